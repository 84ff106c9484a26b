"""Sums by products of slices: the slices, the sums against exact ones, and their bounds."""

from fractions import Fraction

import numpy as np
import pytest
from softmax_harness.operations.screen import weighted_sums as sums
from softmax_harness.operations.screen.workspace import stacked

LENGTHS = (1, 2, 9, 100, 1000, sums.LONGEST)
KINDS = ("normal", "of one entry", "wide", "short", "equal", "zeros")
E = 3


def exponentials(n, tail_bits, rng):
    """F of a saturated row and of one that is not, with tails."""
    head = np.exp(-np.abs(rng.normal(0, [[1.0], [60.0]], (2, n))))
    head[:, 0] = 1.9
    return head, head * rng.uniform(-1, 1, (2, n)) * 2.0**-tail_bits


def numbers(kind, n, rng):
    c = rng.normal(0, 1, (2, n)).clip(-8, 8)
    if kind == "of one entry":
        c = (np.arange(n) == rng.integers(0, n, (2, 1))).astype(float)
    if kind == "wide":
        c = 8.0 * rng.uniform(-1, 1, (2, n)) * 2.0 ** rng.uniform(-90, 0, (2, n))
    if kind == "short":
        c = np.round(c * 2.0**20) / 2.0**20
    if kind == "equal":
        c = np.full((2, n), 8.0)
    return 0.0 * c if kind == "zeros" else c


def exactly(parts):
    rows = zip(*parts, strict=True)
    return [[Fraction(p) + Fraction(q) for p, q in zip(*row, strict=True)] for row in rows]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("tail_bits", [25, 40])
@pytest.mark.parametrize("n", LENGTHS)
def test_the_sums_keep_their_bounds(n, tail_bits, kind):
    rng = np.random.default_rng(n)
    head, tail = exponentials(n, tail_bits, rng)
    c = numbers(kind, n, rng)
    found = sums.weighted_sums(head, tail, tail_bits, c, E, np.empty_like(head))
    given = [each.copy() for each in (head, tail)]
    *coarse, error, size = sums.weighted_sum(*given, tail_bits, c, E, np.empty_like(head))
    for row, f in enumerate(exactly((head, tail))):
        whole, moment = sum(f), sum(p * Fraction(q) for p, q in zip(f, c[row], strict=True))
        of_sizes = sum(p * abs(Fraction(q)) for p, q in zip(f, c[row], strict=True))
        for name, exact in (("whole", whole), ("moment", moment)):
            parts = (getattr(found, name), getattr(found, f"{name}_low"))
            got = sum(Fraction(each[row, 0]) for each in parts)
            assert abs(got - exact) <= Fraction(getattr(found, f"{name}_error")[row, 0])
        assert of_sizes <= Fraction(found.size[row, 0]) <= Fraction(1.01) * of_sizes
        got = sum(Fraction(each[row, 0]) for each in coarse)
        assert abs(got - moment) <= Fraction(error[row, 0])
        assert of_sizes <= Fraction(size[row, 0]) <= Fraction(1.01) * of_sizes + Fraction(2.0**-25)


def test_the_bounds_are_small():
    """Of 1000 numbers of one size: below the kernels' own share."""
    rng = np.random.default_rng(3)
    head, tail = exponentials(1000, 40, rng)
    c = numbers("normal", 1000, rng)
    found = sums.weighted_sums(head, tail, 40, c, E, np.empty_like(head))
    assert (found.whole_error / found.whole).max() < 2.0**-85
    assert (found.moment_error / found.whole).max() < 2.0**-84
    *_, error, size = sums.weighted_sum(head, tail, 25, c, E, np.empty_like(head))
    assert (error / size).max() < 2.0**-70


@pytest.mark.parametrize("n", LENGTHS)
def test_products_of_slices_add_up_exactly(n):
    rng, b = np.random.default_rng(5), sums.bits_for(n)
    head, tail = exponentials(n, 40, rng)
    c = numbers("normal", n, rng)
    slices, rest, left = stacked(7, head.shape), np.empty_like(c), np.empty_like(c)
    sums._cut_exponentials(slices[:4], head, tail, 40, left)
    sums._cut_numbers(slices[4:], c, E, rest)
    first, second, third, last, c1, c2, size = slices
    assert (size == np.abs(c)).all()
    g = sums._last_grid(n, 40)
    for each, unit in (
        (first, 1 - b),
        (second, -2 * b),
        (third, -g),
        (c1, E - b),
        (c2, E - 2 * b - 1),
    ):
        assert (each * 2.0**-unit % 1 == 0).all()
    assert np.abs(head - first).max() <= 2.0**-b
    assert np.abs(last).max() <= 2.0 ** (-g - 1)
    assert np.abs(rest).max() <= 2.0 ** (E - 2 * b - 2)
    assert (c1 + c2 + rest == c).all()
    for f, own in ((first, c1), (first, c2), (second, c1), (second, c2), (third, c1)):
        for order in (slice(None), slice(None, None, -1)):
            for row in range(2):
                got = np.cumsum((f * own)[row, order])[-1]
                pairs = zip(f[row], own[row], strict=True)
                assert Fraction(got) == sum(Fraction(p) * Fraction(q) for p, q in pairs)


def test_the_largest_products_still_add_up_exactly():
    """All numbers as large as they may be."""
    for n in LENGTHS:
        head, c = np.full((1, n), 2.0), np.full((1, n), 2.0**E * (1 - 2.0**-53))
        tail = head * 2.0**-25
        found = sums.weighted_sums(head, tail, 25, c, E, np.empty_like(c))
        exact = n * (Fraction(2) + Fraction(2.0**-24)) * Fraction(c[0, 0])
        got = Fraction(found.moment[0, 0]) + Fraction(found.moment_low[0, 0])
        assert abs(got - exact) <= Fraction(found.moment_error[0, 0])
        assert abs(got / exact - 1) < Fraction(2.0**-75)
