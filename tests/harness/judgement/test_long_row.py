"""A row that is judged slice by slice has the judgement that it has as a whole."""

import dataclasses

import numpy as np
import pytest
from softmax_harness.ground.errors import ScreenIsWrong
from softmax_harness.ground.formats import FORMATS
from softmax_harness.judgement import long_row
from softmax_harness.judgement.aggregate import kept_for_percentile, tally
from softmax_harness.judgement.long_row import SlicedRow, judged_row
from softmax_harness.judgement.maxima import exact_maxima
from softmax_harness.judgement.measure import classified
from softmax_harness.judgement.metrics import order
from softmax_harness.judgement.question import question
from softmax_harness.operations import OPERATIONS, Problem
from softmax_harness.operations.screen import full, light
from softmax_harness.operations.standards import default_standard

N = 9000
SOFTMAX = OPERATIONS["softmax"]


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(long_row, "SLICE", 1 << 11)
    monkeypatch.setattr(long_row, "_LONGEST_WHOLE", 1 << 12)
    monkeypatch.setattr(order, "_PIECE", 1 << 10)


def logits(kind):
    rng = np.random.default_rng(7)
    x = {"wide": 40.0, "far": 900.0}.get(kind, 3.0) * rng.standard_normal(N)
    if kind == "masked":
        x[rng.random(N) < 0.3] = -np.inf
        x[2048:4096] = -np.inf
    if kind == "peaked":
        x[5000] = 90.0
    if kind == "two tops":
        x[[10, 8999]] = 700.0
    return np.full(N, 0.75) if kind == "equal" else x


def outputs(x, fault, dtype):
    with np.errstate(all="ignore"):
        e = np.exp((x - (0 if fault == "unshifted" else x.max())).astype(dtype))
        y = (e / e.sum(dtype=np.float32 if dtype == np.float16 else dtype)).astype(dtype)
    if fault == "unordered":
        y[:200] = y[199::-1]
    if fault == "broken":
        y[[4, 6000, 8000]] = np.nan, np.inf, -0.5
    if fault == "flushed":
        y[y < np.median(y)] = 0
    return y


CASES = [
    ("usual", "none", "float16"),
    ("usual", "none", "float32"),
    ("usual", "none", "float64"),
    ("usual", "unordered", "float32"),
    ("usual", "unordered", "float64"),
    ("usual", "broken", "float32"),
    ("usual", "flushed", "float64"),
    ("wide", "unshifted", "float32"),
    ("wide", "none", "float64"),
    ("far", "none", "float32"),
    ("far", "unshifted", "float64"),
    ("masked", "none", "float32"),
    ("masked", "unordered", "float64"),
    ("peaked", "none", "float64"),
    ("peaked", "flushed", "float16"),
    ("two tops", "none", "float32"),
    ("equal", "none", "float32"),
    ("equal", "unordered", "float64"),
]


def both(x, y, dtype):
    """The row slice by slice, and as a whole: tallies, first faults, maxima by mpmath."""
    problem = Problem.of(SOFTMAX, FORMATS[dtype])
    standard, keep = default_standard(SOFTMAX, problem.output_format), kept_for_percentile(N)
    assert SlicedRow.takes(problem, x)
    row = SlicedRow(problem, standard, x, y)
    found, firsts = judged_row(row, keep)
    exact = row.confirmed({name: list(each) for name, each in found.candidates.items()})
    asked = question(problem, x.astype(float)).held_to(standard)
    batch, codes = classified(asked, y.astype(float))
    whole = tally(batch, codes, np.full((1, 1), np.nan), keep)
    by_mpmath = question(problem, x.astype(float), tier="mpmath")
    return (found, firsts, exact), (whole, codes, exact_maxima(by_mpmath, y.astype(float), [0]))


@pytest.mark.parametrize("kind, fault, dtype", CASES)
def test_slices_add_up_to_the_row(kind, fault, dtype):
    with np.errstate(over="ignore"):
        x = logits(kind).astype(dtype)[None]
    x = np.where(np.isposinf(x), np.finfo(dtype).max, x)
    (found, firsts, exact), (whole, codes, right) = both(
        x, outputs(x[0], fault, dtype)[None], dtype
    )
    assert (found.rows, found.elements) == (1, N) and found.measured == whole.measured
    assert found.outcomes.tolist() == whole.outcomes.tolist()
    assert found.histogram.tolist() == whole.histogram.tolist()
    assert found.sums == whole.sums
    for name in ("mean_ulp", "bias_ulp", "p99_ulp"):
        np.testing.assert_allclose(getattr(found, name), getattr(whole, name), 1e-9, 1e-9)
    assert {*found.so_far} == {*whole.so_far}
    for name, value in whole.so_far.items():
        np.testing.assert_allclose(found.so_far[name], value, 1e-9, 1e-12, err_msg=name)
    for extreme in firsts.values():
        assert extreme.index == np.flatnonzero(codes[0] == codes[0, extreme.index])[0]
    assert len(firsts) == sum(code > 1 and code != 7 for code in np.unique(codes).tolist())
    for name in (name for name, several in right.items() if several):
        largest, wanted = (max(each.value for each in own[name]) for own in (exact, right))
        np.testing.assert_allclose(largest, wanted, 1e-9, 1e-12, err_msg=name)


@pytest.mark.parametrize("kernel, dtype", [(light, "float32"), (full, "float64")])
@pytest.mark.parametrize("where", ["exponentials", "results"])
def test_a_screen_that_lies_about_a_long_row_is_caught(kernel, dtype, where, monkeypatch):
    """By 2**-20 of a tail: errors stay plausible, and the bound is a lie."""
    name = {"exponentials": "_exponentials", "results": "scaled"}[where]
    honest = getattr(kernel, name)

    def lying(*given):
        head, tail, *q = honest(*given)
        tail *= 1 + 2.0**-20
        return head, tail, *q

    x = logits("usual").astype(dtype)[None]
    both(x, outputs(x[0], "none", dtype)[None], dtype)
    monkeypatch.setattr(kernel, name, lying)
    problem = Problem.of(SOFTMAX, FORMATS[dtype])
    with pytest.raises(ScreenIsWrong):
        row = SlicedRow(problem, "native", x, outputs(x[0], "none", dtype)[None])
        found, _ = judged_row(row, 0)
        row.confirmed({name: list(each) for name, each in found.candidates.items()})


def test_a_row_that_policy_decides_or_that_is_short_is_judged_as_a_whole():
    problem, x = Problem.of(SOFTMAX, FORMATS["float32"]), logits("usual")[None]
    assert SlicedRow.takes(problem, x)
    bad = [np.where(x > 5, each, x) for each in (np.nan, np.inf)]
    for other in (x[:, :4000], *bad, x - np.inf):
        assert not SlicedRow.takes(problem, other)
    assert not SlicedRow.takes(problem, np.concatenate([x, x]))
    others = dataclasses.replace(problem, operation=OPERATIONS["log_softmax"])
    assert not SlicedRow.takes(others, x)
