"""Sums of exponentials times numbers, by products of slices that are exact in any order.

As in `softmax_harness.operations.attention.slices`, after Ozaki, Ogita, Oishi & Rump (2012): F and
c are cut into slices of so few bits that each product of two slices, and each sum of n of them, is
an integer below 2**53 in units of its own. One product of small matrices for each row gives all of
these sums, and that of F |c|.

F = head + tail, 0 <= F <= 2, the largest of each row at least 1, |tail| <= 2**-t head; |c| <= 2**e.
With u = 2**-53 and n 2**(2 b) <= 2**52 the slices are, and of each number they leave:

- F1, multiples of 2**(1 - b): 2**-b. F2, multiples of 2**(-2 b): 2**(-2 b - 1), to which the tail
  is added, with a rounding of u (2**(-2 b - 1) + 2**-t F). F3, multiples of 2**-g,
  g = 51 + t - b - bits of n: F4, at most 2**(-g - 1).
- c1, multiples of 2**(e - b), and c2, of 2**(e - 2 b - 1): c3, at most 2**(e - 2 b - 2), exactly.

F1 c1, F1 c2, F2 c1 and F2 c2 add up exactly, and so do F1, F2, F3 and F3 c1: n of these are at most
n (2**(-2 b - 1) + 2**(1 - t) + 2**(-g - 1)) 2**e, below 2**(bits of n + 2 - t + e), since
2 b >= t - 1. The others are rounded, with S the sum of F and C that of |c|:

- F c3, each with two roundings and added by NumPy in pairs, at depth 32 at most: 34 u S times the
  largest |c3|.
- F4 and c, added in any order: (n + 1) u 2**(-g - 1) C.
- F3 c2, so too: below 2**-8 of what the tails were rounded by, since n 2**-b < 2**-8.

A fifth of what all these make more pays for the last one and for rounding the sums of a few.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from softmax_harness.ground.row_reductions import row_dot, row_sum
from softmax_harness.operations.screen.sums import two_sum
from softmax_harness.operations.screen.workspace import Array, stacked

LONGEST = 1 << 11
"""In longer rows so many terms leave too much."""

_U = 2.0**-53
_IN_PAIRS = 34.0 * _U
_TINY = 2.0**-500  # more than numbers whose squares underflow
_SUMS_ERROR = 2.0**-98  # of the sums of the slices' products, relative to the size of all


class WeightedSums(NamedTuple):
    """The sum of F and that of F c of each row, shape (rows, 1) each.

    Attributes
    ----------
    whole, whole_low : ndarray of float64
        The sum of F as two float64.
    whole_error : ndarray of float64
        The bound of what the slices leave of it.
    moment, moment_low, moment_error : ndarray of float64
        The same of F c.
    size : ndarray of float64
        A bound of the sum of F |c|.
    """

    whole: Array
    whole_low: Array
    whole_error: Array
    moment: Array
    moment_low: Array
    moment_error: Array
    size: Array


def bits_for(n: int) -> int:
    """b, the bits of a slice."""
    return min(24, (52 - (n - 1).bit_length()) // 2)


def weighted_sums(
    head: Array, tail: Array, tail_bits: int, c: Array, e: int, memory: Array
) -> WeightedSums:
    """The sums over rows of up to `LONGEST`.

    Parameters
    ----------
    head, tail : ndarray of float64, shape (rows, n)
        F.
    tail_bits : int
        t.
    c : ndarray of float64, shape (rows, n)
    e : int
    memory : ndarray of float64, shape (rows, n)
        What it has is lost.
    """
    n, slices, rest = head.shape[-1], stacked(7, head.shape), memory
    _cut_exponentials(slices[:4], head, tail, tail_bits, memory)
    _cut_numbers(slices[4:], c, e, rest)
    products = [[row_dot(of_f, of_c) for of_c in slices[4:6]] for of_f in slices[:4]]
    ones = np.ones(n)
    wholes, size = slices[:4] @ ones, 1.001 * (slices[6] @ ones)
    most = 1.001 * np.sqrt(row_dot(rest, rest)) + _TINY
    most = np.minimum(most, 2.0 ** (e - 2 * bits_for(n) - 2))
    whole = np.add(head, tail, out=slices[0])
    of_sizes = 1.001 * row_dot(whole, slices[6])
    rest *= whole
    of_c = _OfNumbers(size, most, row_sum(rest), of_sizes)
    return _added(wholes, products, of_c, n, tail_bits)


def _cut_exponentials(slices: Array, head: Array, tail: Array, tail_bits: int, left: Array) -> None:
    n = head.shape[-1]
    b = bits_for(n)
    first, second, third, last = slices
    _to_grid(head, 1 - b, first)
    np.subtract(head, first, out=left)
    _to_grid(left, -2 * b, second)
    left -= second
    left += tail
    _to_grid(left, -_last_grid(n, tail_bits), third)
    np.subtract(left, third, out=last)


def _cut_numbers(slices: Array, c: Array, e: int, rest: Array) -> None:
    """c1, c2 and |c|, and c3."""
    b = bits_for(c.shape[-1])
    first, second, size = slices
    both = size
    _to_grid(c, e - 2 * b - 1, both)
    np.subtract(c, both, out=rest)
    _to_grid(both, e - b, first)
    np.subtract(both, first, out=second)
    np.abs(c, out=size)


def _last_grid(n: int, tail_bits: int) -> int:
    """g."""
    return 51 + tail_bits - bits_for(n) - (n - 1).bit_length()


def _to_grid(x: Array, exponent: int, out: Array) -> None:
    """The multiples of 2**exponent nearest to numbers up to 2**(50 + exponent)."""
    grid = 1.5 * 2.0 ** (52 + exponent)
    np.add(x, grid, out=out)
    out -= grid


def weighted_sum(
    head: Array, tail: Array, tail_bits: int, c: Array, e: int, memory: Array
) -> tuple[Array, Array, Array, Array]:
    """The sum of F c alone, with its low part, error and size as `WeightedSums` has them.

    Less exactly: F3, what is left of F with the tail, is not cut. It is at most
    r = 2**(-2 b - 1) + 2**-t F, and rounded by u times that. F3 c and (F1 + F2) c3 are rounded
    products that are added to each other, and then by NumPy in pairs, at depth 32 at most: an error
    of 35 u of the sum of their sizes, of r |c| and of at most 2 + 2**(-2 b) times 2**(e - 2 b - 2).

    `head` and `tail` are overwritten, too.
    """
    n = head.shape[-1]
    b, slices = bits_for(n), stacked(5, head.shape)
    first, second, *_ = slices
    both, rest = memory, tail
    _to_grid(head, -2 * b, both)
    head -= both
    _to_grid(both, 1 - b, first)
    np.subtract(both, first, out=second)
    head += tail
    _cut_numbers(slices[2:], c, e, rest)
    head *= c
    rest *= both
    head += rest
    of_first, of_second = ([row_dot(f, each) for each in slices[2:4]] for f in (first, second))
    high, lost = two_sum(of_first[0], of_first[1] + of_second[0])
    high, low = two_sum(high, of_second[1])
    high, low = two_sum(high, lost + low + row_sum(head))
    left = n * 2.0 ** (e - 2 * b - 1)
    size = 1.001 * (row_dot(both, slices[4]) + left)
    error = 37.0 * _U * (2.0 * left + 2.0**-tail_bits * size) + _SUMS_ERROR * size
    return high[:, None], low[:, None], error[:, None], size[:, None]


class _OfNumbers(NamedTuple):
    """Of each row, shape (rows,).

    Attributes
    ----------
    size, most : ndarray of float64
        Bounds of the sum of |c| and of the largest |c3|.
    rest : ndarray of float64
        The sum of F c3.
    weighed : ndarray of float64
        A bound of the sum of F |c|.
    """

    size: Array
    most: Array
    rest: Array
    weighed: Array


def _added(
    wholes: Array, products: list[list[Array]], of_c: _OfNumbers, n: int, tail_bits: int
) -> WeightedSums:
    """From the sums of F1 to F4 and of their products with c1 and c2, shape (rows,) each.

    Of F1 c2 and F2 c1 the sum is exact. The largest ones are added first.
    """
    (of_first, more), (of_second, second), (of_third, third), lasts = products
    largest_first = of_first, more + of_second, second, of_third
    terms = np.stack([wholes, np.stack(largest_first)], axis=1)
    high, low = terms[0], np.zeros_like(terms[0])
    for each in terms[1:]:
        high, lost = two_sum(high, each)
        low += lost
    low[1] += third + lasts[0] + lasts[1] + of_c.rest
    high, low = two_sum(high, low)
    b, additions = bits_for(n), n + 8
    of_each = _U * (2.0 ** (-2 * b - 1) + additions * 2.0 ** (-_last_grid(n, tail_bits) - 1))
    of_all = _U * 2.0**-tail_bits + _SUMS_ERROR
    whole_error = 1.2 * (n * of_each + of_all * high[0])
    error = of_each * of_c.size + of_all * of_c.weighed + _IN_PAIRS * of_c.most * high[0]
    found = high[0], low[0], whole_error, high[1], low[1], 1.2 * error, of_c.weighed
    return WeightedSums(*(each[:, None] for each in found))
