"""Limbs against integers, exponentials and sums against mpmath and Arb, results against both."""

from fractions import Fraction

import mpmath
import numpy as np
import pytest
from softmax_harness.explain.exact_steps import exact_steps
from softmax_harness.ground.formats import FORMATS
from softmax_harness.operations import OPERATIONS, Policy, Problem, limbs
from softmax_harness.operations.limbs.arithmetic import LIMB, digits, limbs_of, product
from softmax_harness.operations.limbs.exponentials import constants, exponentials
from softmax_harness.operations.limbs.sums import distance
from softmax_harness.truth import arbitrate, long_rows
from softmax_harness.truth.digits import exact_digits

RNG = np.random.default_rng(16)


def number(own):
    """What limbs stand for, of each element."""
    value = [0] * len(own[0])
    for place, limb in enumerate(own):
        value = [
            v + Fraction(int(x), 1 << LIMB * (place + 1)) for v, x in zip(value, limb, strict=True)
        ]
    return value


@pytest.mark.parametrize("size", [1, 2, 3, 4, 9, 20])
def test_products_err_by_less_than_they_say(size):
    """With the largest limbs there are too, of which more than seven products overflow."""
    top = RNG.integers(-(2**17), 2**17, 40)
    below = RNG.integers(0, 2**LIMB, (size - 1, 40))
    below[:, :20] = 2**LIMB - 1
    a, b = [top, *below], [abs(top[::-1]), *below[::-1]]
    plus = [np.full(40, 2**29), *below]
    exact = [x * y + z for x, y, z in zip(number(a), number(b), number(plus), strict=True)]
    own = product(a, b, size, plus)
    unit = Fraction(1, 1 << LIMB * size)
    off = [(z - found) / unit for z, found in zip(exact, number(own), strict=True)]
    assert min(off) >= 0 and max(off) < size + 1
    assert all((limb >= 0).all() and (limb < 2**LIMB).all() for limb in own[1:])


@pytest.mark.parametrize("size", [2, 5, 40])
def test_digits_are_exact_up_to_the_last(size):
    values = np.concatenate([RNG.normal(0, 100, 50), [0.0, -1e-300, 2.0**-1074, 1500.0, -0.75]])
    whole, own = digits(values, size)
    own += [np.zeros(len(values), np.int64)] * (size - len(own))
    for value, base, rest in zip(values.tolist(), whole.tolist(), number(own), strict=True):
        off = Fraction(value) - base - rest
        assert abs(off) < Fraction(1, 1 << LIMB * size) and off * Fraction(value) >= 0
        assert size < 40 or off == 0 or abs(value) < 2.0**-900


def test_limbs_of_an_integer_are_its_digits():
    for size in (1, 3, 8):
        value = int(RNG.integers(1, 2**60)) << LIMB * (size - 1) >> 33
        found = sum(limb << LIMB * (size - 1 - i) for i, limb in enumerate(limbs_of(value, size)))
        assert found == value


@pytest.mark.parametrize("size", [2, 3, 4, 7, 8, 12])
def test_exponentials_keep_their_bound(size):
    """Against mpmath with 100 bits more, at random numbers, at the ends and between two grids."""
    grid = np.log(2.0) / (1 << 12)
    high = [RNG.uniform(0, 1500, 60), 10.0 ** RNG.uniform(-30, 0, 40), [0.0, 1500.0, 5e-324]]
    high = np.concatenate([*high, (RNG.integers(0, 1 << 22, 40) + 0.5) * grid])
    low = np.where(high > 0, np.spacing(high) * RNG.uniform(-0.5, 0.5, len(high)), 0.0)
    own, q = exponentials(high, low, constants(size))
    largest = 0.0
    with mpmath.workprec(LIMB * size + 100):
        for h, rest, e, found in zip(
            high.tolist(), low.tolist(), q.tolist(), number(own), strict=True
        ):
            exact = mpmath.exp(-mpmath.mpf(h) - mpmath.mpf(rest))
            found = mpmath.ldexp(mpmath.mpf(found.numerator) / found.denominator, e + 1)
            largest = max(largest, float(abs(found / exact - 1) * 2 ** (LIMB * size)))
        assert number([limb[[102]] for limb in own]) != [0]
    zero = [limb[high == 0] for limb in own]
    assert number(zero) == [Fraction(1, 2)] and q[high == 0] == [0]
    assert 0.01 * constants(size).relative_error < largest <= constants(size).relative_error


@pytest.mark.parametrize("top", [0.0, 3.5, -700.25, 1e300, -1e-300])
def test_distances_are_exact(top):
    x = np.minimum(top - np.abs(RNG.normal(0, 100, 100)) * 10.0 ** RNG.integers(-20, 3, 100), top)
    high, low, far = distance(x, top)
    low, far = np.zeros(100) if low is None else low, np.zeros(100, bool) if far is None else far
    for value, h, rest, beyond in zip(
        x.tolist(), high.tolist(), low.tolist(), far.tolist(), strict=True
    ):
        apart = Fraction(top) - Fraction(value)
        assert (apart > 1500 and h == 1500) if beyond else apart == Fraction(h) + Fraction(rest)


@pytest.mark.parametrize("bits", [60, 200, 900])
def test_a_sum_holds_what_arb_says(bits, monkeypatch):
    flint = pytest.importorskip("flint", reason="pip install python-flint")
    x = np.concatenate([RNG.normal(0, 5, 300), [40.0, 40.0], RNG.uniform(-500, 0, 50)])
    rest = limbs.rest_of_row(x, bits)
    monkeypatch.setattr(flint.ctx, "prec", bits + 200)
    apart = [Fraction(v) - 40 for v in x[x < 40.0].tolist()]
    exact = sum((flint.arb(flint.fmpq(a.numerator, a.denominator)).exp() for a in apart), 0)
    scale = flint.arb(2) ** rest.others.exp
    man, rad = flint.arb(rest.others.man), flint.arb(rest.others.rad)
    assert (rest.most, rest.beyond) == (2, 0)
    assert (man - rad) * scale < exact < (man + rad) * scale
    assert rest.others.rad << bits < rest.others.man


def test_what_lies_beyond_is_bounded():
    rest = limbs.rest_of_row(np.array([0.0, -1e4, -1e300, -1501.0]), 100)
    assert (rest.most, rest.beyond, rest.others.man) == (1, 3, 0)
    largest = mpmath.ldexp(rest.others.rad, rest.others.exp)
    assert mpmath.exp(-1501) < largest < mpmath.exp(-1490)


def plain(problem, x, operands=()):
    """mpmath's results, as of a short row."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("softmax_harness.truth.arbiter.is_long", lambda operation, x: False)
        return arbitrate(problem, x, operands)


SPREAD = RNG.normal(0, 1, limbs.LONG)
ROWS = {
    "usual": 3 * SPREAD,
    "far apart": 300 * SPREAD,
    "farther": np.where(SPREAD > 2, 1e5 * SPREAD, SPREAD),
    "next to 1": np.where(np.arange(limbs.LONG) == 7, 60.0, SPREAD),
    "nearer to 1": np.where(np.arange(limbs.LONG) == 7, 1000.0, SPREAD),
    "next to 1/2": np.where(np.arange(limbs.LONG) < 2, 1000.0, SPREAD),
    "as near as nothing": np.where(np.arange(limbs.LONG) == 7, 3e4, SPREAD),
    "next to 1/3": np.where(np.arange(limbs.LONG) < 3, 1000.0, SPREAD),
    "next to equal": np.where(np.arange(limbs.LONG) < 2, 1e-20, 0.0),
    "equal": np.full(limbs.LONG, 0.5),
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
    # 2**-57 for the limbs, and what float64 rounds of an offset.
    np.testing.assert_allclose(own.offset, exact.offset, rtol=2.0**-51, atol=2.0**-57)
    np.testing.assert_array_equal(np.sign(own.offset), np.sign(exact.offset))


def test_elements_next_to_a_boundary_stay_open_and_are_decided(monkeypatch):
    """By rising precision: the more bits an element needs, the longer it stays."""
    asked = []
    enclose = limbs.enclose_values
    monkeypatch.setattr(
        limbs, "enclose_values", lambda x, v, p: asked.append((len(v), p)) or enclose(x, v, p)
    )
    problem = Problem.of(OPERATIONS["softmax"], FORMATS["float64"])
    arbitrate(problem, ROWS["usual"][None])
    assert asked == []
    near = np.full(limbs.LONG, 0.0)
    near[0] = 2.0**-200
    arbitrate(problem, near[None])
    assert [count for count, _ in asked] == [2, 2] and asked[1][1] == 2 * asked[0][1]


def test_a_long_masked_row_is_softmax_of_what_is_kept():
    problem = Problem.of(OPERATIONS["softmax_masked"], FORMATS["float32"])
    x, kept = (3 * SPREAD).astype(np.float32).astype(float)[None], SPREAD[None] > -0.5
    own, exact = arbitrate(problem, x, (kept,)), plain(problem, x, (kept,))
    np.testing.assert_array_equal(own.rounded, exact.rounded)
    np.testing.assert_allclose(own.offset, exact.offset, rtol=2.0**-51, atol=2.0**-57)


def test_one_element_of_a_long_row_has_all_its_digits(monkeypatch):
    problem = Problem.of(OPERATIONS["softmax"], FORMATS["float64"], policy=Policy())
    own = [exact_digits(problem, ROWS["usual"], index) for index in (0, 99)]
    monkeypatch.setattr(long_rows, "is_long", lambda operation, x: False)
    assert own == [exact_digits(problem, ROWS["usual"], index) for index in (0, 99)]


@pytest.mark.parametrize("operation", ["logsumexp", "log_softmax"])
def test_other_sums_of_long_rows_come_from_limbs_too(operation, monkeypatch):
    x = np.concatenate([3 * SPREAD, 3 * SPREAD[:9]])
    (own, *_), index = OPERATIONS[operation].enclose(x, (), 100), 0
    monkeypatch.setattr(limbs, "LONG", 1 << 30)
    exact = OPERATIONS[operation].enclose(x, (), 160)[index]
    unit = Fraction(2) ** own.exp
    assert abs(own.man * unit - exact.man * Fraction(2) ** exact.exp) < 2 * own.slack * unit
    assert own.slack << 90 < abs(own.man)


def test_the_exact_sum_of_a_long_row_is_what_mpmath_adds_up():
    row = np.concatenate([ROWS["usual"] + 50.0, [-np.inf, 60.0, 60.0]])
    problem = Problem.of(OPERATIONS["softmax"], FORMATS["float64"])
    own = exact_steps(problem, row, ())[1].values[0]
    with mpmath.workprec(200):
        exact = mpmath.fsum(mpmath.exp(value) for value in row.tolist())
        assert abs(own / exact - 1) < 2.0**-124
