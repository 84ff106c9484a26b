"""Published figures beside those measured here."""

import json

import numpy as np
import pytest
from click.testing import CliRunner
from softmax_harness import reproduce
from softmax_harness.cli import reproduce_verb
from softmax_harness.ground.errors import BadData, UnknownName
from softmax_harness.reproduce import PAPERS, Figure, Paper, flash_attention_2694, paper_named

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
    assert code == 1 and "1 of 2 within 10%" in text
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
