"""Sums of long rows against mpmath and Arb, results against those of short rows."""

from fractions import Fraction

import mpmath
import numpy as np
import pytest
from softmax_harness.explain.exact_steps import exact_steps
from softmax_harness.ground.errors import ScreenIsWrong
from softmax_harness.ground.formats import FORMATS
from softmax_harness.operations import OPERATIONS, Policy, Problem, long_sums, softmax
from softmax_harness.operations.long_sums import KNOWN_BITS, LONG, rest_of_row
from softmax_harness.operations.screen import full, middle
from softmax_harness.truth import LongRow, arbitrate
from softmax_harness.truth import long_rows as judged
from softmax_harness.truth.digits import exact_digits

RNG = np.random.default_rng(16)
N = (1 << 15) + 77  # more than one piece


@pytest.mark.parametrize("kind", ["usual", "far", "farthest", "offset", "masked", "float16"])
def test_a_sum_holds_what_arb_says(kind, monkeypatch):
    flint = pytest.importorskip("flint", reason="pip install python-flint")
    scale = {"far": 300.0, "farthest": 1e5}.get(kind, 4.0)
    x = scale * RNG.normal(0, 1, N) + (1e3 if kind == "offset" else 0.0)
    x[[5, 99]] = x.max()
    if kind == "masked":
        x[::3] = -np.inf
    stored = x.astype(np.float16) if kind == "float16" else x
    x = stored.astype(float)
    rest = rest_of_row(stored)
    monkeypatch.setattr(flint.ctx, "prec", 300)
    top = Fraction(float(x.max()))
    values, counts = np.unique(x[np.isfinite(x) & (x < x.max())], return_counts=True)
    apart = [Fraction(v) - top for v in values.tolist()]
    terms = (flint.arb(flint.fmpq(a.numerator, a.denominator)).exp() for a in apart)
    exact = sum((term * n for term, n in zip(terms, counts.tolist(), strict=True)), flint.arb(0))
    unit = flint.arb(2) ** rest.others.exp
    man, rad = flint.arb(rest.others.man), flint.arb(rest.others.rad)
    assert rest.top == top and rest.most == np.count_nonzero(x == x.max())
    assert rest.bottom == values[0]
    assert (man - rad) * unit < exact < (man + rad) * unit
    assert rest.others.rad << KNOWN_BITS <= rest.others.man


@pytest.mark.parametrize("kernel", [full, middle])
def test_a_lying_kernel_is_caught_in_the_sum(kernel, monkeypatch):
    """By 2**-70 of each exponential, which shows in no error of a float64."""
    honest = kernel._exponentials

    def lying(*given):
        head, tail, q = honest(*given)
        tail += head * 2.0**-70
        return head, tail, q

    x = RNG.normal(0, 3, N)
    rest_of_row(x)
    monkeypatch.setattr(kernel, "_exponentials", lying)
    with pytest.raises(ScreenIsWrong, match=f"contradict each other .* row of {N} logits"):
        rest_of_row(x)


@pytest.mark.parametrize("others", [-800.0, -1e5, -1e300])
def test_what_lies_far_below_is_known_relative_to_itself(others):
    x = np.full(LONG, others)
    x[7] = 0.0
    rest = rest_of_row(x)
    exact = (LONG - 1) * mpmath.exp(mpmath.mpf(others)) if others > -1e6 else None
    assert (rest.most, rest.bottom) == (1, others)
    if exact is not None:
        assert abs(mpmath.ldexp(rest.others.man, rest.others.exp) / exact - 1) < 2.0**-40
    (enclosed,) = long_sums.enclose_values(rest, [0.0], 100)
    one = Fraction(1)
    assert (enclosed.man - enclosed.slack) * Fraction(2) ** enclosed.exp < one
    assert (enclosed.man + enclosed.slack) * Fraction(2) ** enclosed.exp <= one


def plain(problem, x, operands=()):
    """mpmath's results, as of a short row."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("softmax_harness.truth.arbiter.is_long", lambda operation, n: False)
        return arbitrate(problem, x, operands)


SPREAD = RNG.normal(0, 1, LONG)
ROWS = {
    "usual": 3 * SPREAD,
    "far apart": 300 * SPREAD,
    "farther": np.where(SPREAD > 2, 1e5 * SPREAD, SPREAD),
    "next to 1": np.where(np.arange(LONG) == 7, 60.0, SPREAD),
    "nearer to 1": np.where(np.arange(LONG) == 7, 1000.0, SPREAD),
    "next to 1/2": np.where(np.arange(LONG) < 2, 1000.0, SPREAD),
    "as near as nothing": np.where(np.arange(LONG) == 7, 3e4, SPREAD),
    "next to 1/3": np.where(np.arange(LONG) < 3, 1000.0, SPREAD),
    "next to equal": np.where(np.arange(LONG) < 2, 1e-20, 0.0),
    "equal": np.full(LONG, 0.5),
    "masked": np.where(SPREAD > 0, -np.inf, SPREAD),
}


@pytest.mark.parametrize("dtype", FORMATS)
def test_long_rows_have_the_results_of_short_ones(dtype):
    format = FORMATS[dtype]
    with np.errstate(over="ignore"):
        x = np.stack([*ROWS.values()]).astype(format.dtype).astype(float)
    x = np.where(np.isposinf(x), 6e4, x)
    problem = Problem.of(OPERATIONS["softmax"], format)
    own, exact = arbitrate(problem, x), plain(problem, x)
    np.testing.assert_array_equal(own.rounded, exact.rounded)
    np.testing.assert_array_equal(own.ulp, exact.ulp)
    np.testing.assert_array_equal(own.fixed, exact.fixed)
    # The bound of the kernel, that of the first enclosures, and what float64 rounds of an offset.
    near = full.RELATIVE_ERROR * 2.0**format.precision + 2.0**-62
    np.testing.assert_allclose(own.offset, exact.offset, rtol=2.0**-51, atol=near)
    apart = np.abs(exact.offset) > near
    np.testing.assert_array_equal(np.sign(own.offset[apart]), np.sign(exact.offset[apart]))


@pytest.fixture
def precisions(monkeypatch):
    """The precisions to which a long row's elements are enclosed, with how many they are."""
    asked, some, every = [], LongRow.enclosures, softmax.enclose
    monkeypatch.setattr(
        LongRow,
        "enclosures",
        lambda row, values, bits: asked.append((len(values), bits)) or some(row, values, bits),
    )
    monkeypatch.setattr(
        softmax,
        "enclose",
        lambda values, counts, bits: (
            asked.append((len(values), bits)) or every(values, counts, bits)
        ),
    )
    return asked


def test_elements_next_to_a_boundary_stay_open_and_are_decided(precisions):
    """By rising precision: the more bits an element needs, the longer it stays."""
    problem = Problem.of(OPERATIONS["softmax"], FORMATS["float64"])
    arbitrate(problem, ROWS["usual"][None])
    assert precisions == []
    near = np.full(LONG, 0.0)
    near[0] = 2.0**-200
    arbitrate(problem, near[None])
    assert [count for count, _ in precisions] == [2, 2]
    assert precisions[1][1] == 2 * precisions[0][1]


def test_a_long_row_is_judged_in_full_once(precisions):
    """Each further element of it costs nothing more, and has the result that it has alone."""
    x, format = np.arange(LONG) * 5e-324, FORMATS["float64"]
    row, places = LongRow(OPERATIONS["softmax"], x), np.array([0, LONG - 1])
    found = row.results(x[places], format)
    first = list(precisions)
    again = row.results(x[[1, *places]], format)
    assert {bits for count, bits in first if count == LONG} == {bits for _, bits in first[1:]}
    # The element that is new is tried as its likes are, before the row is asked.
    assert precisions[len(first) :] == [(3, first[0][1])]
    alone = LongRow(OPERATIONS["softmax"], x).results(x[[1]], format)
    for own, more, one in zip(found, again, alone, strict=True):
        np.testing.assert_array_equal(more, [*one, *own])


def test_a_long_masked_row_is_softmax_of_what_is_kept():
    problem = Problem.of(OPERATIONS["softmax_masked"], FORMATS["float32"])
    x, kept = (3 * SPREAD).astype(np.float32).astype(float)[None], SPREAD[None] > -0.5
    own, exact = arbitrate(problem, x, (kept,)), plain(problem, x, (kept,))
    np.testing.assert_array_equal(own.rounded, exact.rounded)
    np.testing.assert_allclose(own.offset, exact.offset, rtol=2.0**-51, atol=2.0**-62)


def test_one_element_of_a_long_row_has_all_its_digits(monkeypatch):
    problem = Problem.of(OPERATIONS["softmax"], FORMATS["float64"], policy=Policy())
    own = [exact_digits(problem, ROWS["usual"], index) for index in (0, 99)]
    monkeypatch.setattr(judged, "is_long", lambda operation, n: False)
    assert own == [exact_digits(problem, ROWS["usual"], index) for index in (0, 99)]


@pytest.mark.parametrize("operation", ["logsumexp", "log_softmax"])
def test_other_sums_of_long_rows_come_from_kernels_too(operation, monkeypatch):
    x = np.concatenate([3 * SPREAD, 3 * SPREAD[:9]])
    (own, *_), index = OPERATIONS[operation].enclose(x, (), 100), 0
    exact = OPERATIONS[operation].enclose(x, (), 160)[index]  # to more bits by mpmath
    unit = Fraction(2) ** own.exp
    assert abs(own.man * unit - exact.man * Fraction(2) ** exact.exp) < 2 * own.slack * unit
    assert own.slack << 85 < abs(own.man)
    assert exact.slack << 140 < abs(exact.man)


def test_the_exact_sum_of_a_long_row_is_what_mpmath_adds_up():
    row = np.concatenate([ROWS["usual"] + 50.0, [-np.inf, 60.0, 60.0]])
    problem = Problem.of(OPERATIONS["softmax"], FORMATS["float64"])
    own = exact_steps(problem, row, ())[1].values[0]
    with mpmath.workprec(200):
        exact = mpmath.fsum(mpmath.exp(value) for value in row.tolist())
        assert abs(own / exact - 1) < 2.0**-KNOWN_BITS


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("kind", ["usual", "far apart", "next to 1", "next to 1/3", "equal"])
def test_log_softmax_of_long_rows_has_the_results_of_short_ones(kind, dtype):
    """By the screen, and by mpmath element by element."""
    format, operation = FORMATS[dtype], OPERATIONS["log_softmax"]
    x = ROWS[kind].astype(dtype).astype(float)
    problem = Problem.of(operation, format)
    own, exact = arbitrate(problem, x[None]), plain(problem, x[None])
    np.testing.assert_array_equal(own.rounded, exact.rounded)
    np.testing.assert_array_equal(own.ulp, exact.ulp)
    near = judged.error_ulp_of(operation, LONG, format) + 2.0**-62
    np.testing.assert_allclose(own.offset, exact.offset, rtol=2.0**-51, atol=near)
    places = np.append(np.arange(0, LONG, 500), x.argmax())
    rounded, offset, ulp = LongRow(operation, x).results(x[places], format)
    np.testing.assert_array_equal(rounded, exact.rounded[0, places])
    np.testing.assert_array_equal(ulp, exact.ulp[0, places])
    # The arbiter itself knows them to as many bits.
    np.testing.assert_allclose(offset, exact.offset[0, places], rtol=2.0**-51, atol=2.0**-44)
