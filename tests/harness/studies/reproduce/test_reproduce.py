"""Published figures beside those measured here."""

import json
import sys

import numpy as np
import pytest
from click.testing import CliRunner
from softmax_harness.cli import reproduce_verb
from softmax_harness.ground.errors import BadData, UnknownName
from softmax_harness.ground.formats import FORMATS
from softmax_harness.operations.elementary import elementary_errors
from softmax_harness.studies import reproduce
from softmax_harness.studies.reproduce import (
    PAPERS,
    Figure,
    Paper,
    batch_invariance,
    flash_attention_2694,
    online_softmax,
    paper_named,
    scipy_19521,
)

FIGURES = [Figure("near", 0.5, 0.52, {"else": 1.0}), Figure("far", 2.0, 1.0)]


@pytest.fixture
def answered(monkeypatch):
    """What the verb prints of a paper of that many of the figures, and its exit code."""

    def run(count, *words):
        paper = Paper("a", "A title", "https://example.org", "x", lambda seed: FIGURES[:count])
        monkeypatch.setitem(reproduce.PAPERS, "a", paper)
        done = CliRunner().invoke(reproduce_verb.command, ["a", *words], standalone_mode=False)
        assert done.exception is None
        return done.output, done.return_value

    return run


def test_each_paper_has_its_own_name_and_says_where_it_is():
    assert PAPERS and all(name == each.name for name, each in PAPERS.items())
    assert all(each.address.startswith("https://") and each.notes for each in PAPERS.values())
    with pytest.raises(UnknownName, match="did you mean flash-attention-2694"):
        paper_named("flash-attention-2649")


def test_published_and_found_stand_side_by_side(answered):
    text, code = answered(2)
    assert code == 1 and "1 of 2 within 0.1 of the published number" in text
    near, far = (line for line in text.split("\n") if line.startswith(("near", "far")))
    assert near.split() == ["near", "0.5", "0.52", "+4.0%", "1"]
    assert far.split()[1:4] == ["2", "1", "-50.0%"] and far.endswith("not reproduced")
    assert answered(1)[1] == 0


def test_the_document_says_the_same(answered):
    text, code = answered(2, "--json")
    document = json.loads(text)
    assert code == 1 and document["schema"] == 1 and document["reproduced"] is False
    assert [each["reproduced"] for each in document["figures"]] == [True, False]
    assert document["figures"][0]["difference"] == pytest.approx(0.04)


def test_a_figure_beside_none_and_one_beside_a_bound():
    paper = Paper("a", "A title", "https://example.org", "x", lambda seed: [])
    alone, zero = Figure("alone", None, 3.0), Figure("zero", 0.0, 0.0)
    below, above = (Figure("bounded", 2.0, found, is_bound=True) for found in (0.1, 2.01))
    assert alone.difference is None and zero.difference == 0.0
    assert Figure("some", 0.0, 1.0).difference == np.inf
    assert all(map(paper.holds, (alone, zero, below))) and not paper.holds(above)


def test_a_number_that_is_not_there_leaves_its_column_empty(monkeypatch):
    figures = [
        Figure("bounded", 2.0, 1.0, {"else": 3.0}, is_bound=True),
        Figure("alone", None, 4.0),
    ]
    paper = Paper(
        "a", "A title", "https://example.org", "x", lambda seed: figures, columns=("bound", "found")
    )
    monkeypatch.setitem(reproduce.PAPERS, "a", paper)
    text = CliRunner().invoke(reproduce_verb.command, ["a"], standalone_mode=False).output
    assert "1 of 1 within the bound" in text
    bounded, alone = (line for line in text.split("\n") if line.startswith(("bounded", "alone")))
    assert bounded.split() == ["bounded", "2", "1", "-50.0%", "3"] and alone.split() == [
        "alone",
        "4",
    ]


QUICK = [name for name in PAPERS if name != "flash-attention-2694"]
BEYOND = {"web-platform-tests": {"float16, n = 2", "float32, n = 2"}}


@pytest.mark.parametrize("name", QUICK)
def test_what_was_published_is_found_again(name):
    paper = paper_named(name)
    figures = list(paper.measured(1))
    assert len({each.setting for each in figures}) == len(figures) >= 4
    assert {each.setting for each in figures if not paper.holds(each)} == BEYOND.get(name, set())


def test_python_sums_as_it_is_told_here():
    """From 3.14 on it sums in a third way: integers are compensated too."""
    shuffled = batch_invariance.orders()[:200]
    told = {(3, 11): batch_invariance.one_after_another, (3, 12): batch_invariance.as_python_3_12}
    told[3, 13] = told[3, 12]
    if sys.version_info[:2] in told:
        assert [sum(each) for each in shuffled] == list(map(told[sys.version_info[:2]], shuffled))


def test_a_row_alone_is_told_from_one_among_others():
    x = np.random.default_rng(0).standard_normal((4, 1003)).astype(np.float32)
    assert batch_invariance.rows_that_differ("max-shifted", x, 1) == 0
    assert batch_invariance.rows_that_differ("max-shifted", x.T.copy(), 0) > 0


def test_the_smallest_results_are_the_formats_own():
    format = FORMATS["float32"]
    assert scipy_19521.smallest(format, "shifted") == np.log(np.float32(1.0 + 2.0**-23))
    assert scipy_19521.smallest(format, "compensated") == format.smallest_subnormal


def test_the_bound_of_the_online_sum_counts_moves():
    x = np.array([[0.0, 1.0, 0.5, 2.0]], np.float32)
    still = np.array([[2.0, 1.0, 0.5, 0.0]], np.float32)
    eps = elementary_errors(FORMATS["float32"]).exp / FORMATS["float32"].unit_roundoff
    moved = online_softmax.bound(x, FORMATS["float32"])
    assert moved[0, 3] - online_softmax.bound(still, FORMATS["float32"])[0, 0] == pytest.approx(
        2 * (1 + eps)
    )
    assert moved[0, 0] - moved[0, 3] == pytest.approx(2.0)


def test_no_paper_is_told_which_there_are():
    with pytest.raises(BadData, match="flash-attention-2694"):
        CliRunner().invoke(
            reproduce_verb.command, [], standalone_mode=False, catch_exceptions=False
        )


def test_weights_that_saturate_lose_and_others_do_not():
    """Of a few queries: where single weights decide, numbers vary more than they are known."""
    found = {each.setting: each for each in flash_attention_2694.measured(0, queries=6)}
    assert len(found) == 10
    for deviation in (0.25, 0.5):
        for offset in (4, 8):
            figure = found[f"offset {offset}, standard deviation {deviation}"]
            assert abs(figure.difference) < 0.3, figure
    wide = {offset: found[f"offset {offset}, standard deviation 1.5"].found for offset in (4, 8)}
    assert wide[8] > 6 * wide[4]


def test_the_kernel_without_a_lagging_maximum_errs_by_the_rounding_of_its_weights():
    rng = np.random.default_rng(0)
    scores, v = -rng.random((3, 256)).astype(np.float32), rng.random((256, 5)).astype(np.float32)
    scores[:, -1] = 0.0  # in the first tile, the last one
    exact = np.exp2(scores) @ v / np.exp2(scores).sum(axis=-1, keepdims=True)
    for offset in (4, 8):
        found = flash_attention_2694.kernel(scores, v, offset)
        assert np.abs(found / exact - 1.0).max() < 2.0**-6
    lost = flash_attention_2694.kernel(scores - 3.0 * (np.arange(256) >= 128), np.ones_like(v), 8)
    assert (lost < 0.8).all()  # the second tile is behind by less than the maximum may be
