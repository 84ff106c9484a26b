"""The kernel for inputs and results of at most 24 bits: relative error below 2**-60.

With T = 2**(j/N) = high + rest and p = e**r - 1, exp(x) = 2**q (high + (rest + T p)). `high` has 26
bits, so its products with the 26-bit head of 1/S are exact; everything else is below 2**-14.4 of
it and may be rounded to 53 bits.

Errors, relative to the result, with u = 2**-53:

- r: k (L3 + L4) is folded into L2, of which k times its rounding is below 2**-70, and the product
  and the difference round by u 2**-15.5 each: below 2**-67 in all. A `low` part of x adds u 2**-15.
- p: the series ends before r**4/24 < 2**-66.5; four roundings of at most u 2**-15.5: 2**-66.
- rest + T p: two roundings of values below 2**-14.4: 2**-66.4.
- S: one or two columns of the heads' sum are exact. What is left, at most 2**-14.4 of the terms in
  the tails and n 2**(b - 53) of S >= 1 in the heads, b = 1 + bits of n, is summed by NumPy in
  pairs, at depth 32 at most, and where a row comes in pieces these are added with one rounding:
  below 32 u (2**-14.4 + 2**-19) for n <= 2**16, and with two columns less; 2**-62.3. The errors of
  the terms themselves: 2**-64.6.
- 1/S: the tail w2 is exact to 2**-26 u 4, far less; the product: three roundings below 2**-66.

Together below 2**-61.4, stated as 2**-60.
"""

from __future__ import annotations

import numpy as np

from softmax_harness.operations.screen.constants import Constants, constants
from softmax_harness.operations.screen.reduction import (
    exponent,
    place_in_table,
    reduced,
)
from softmax_harness.operations.screen.sums import HEAD, product_of_pairs, slices, two_sums
from softmax_harness.operations.screen.workspace import Array, Bits, Workspace, bits_of

RELATIVE_ERROR = 2.0**-60
Result = tuple[Array, Array, Bits]


def columns_of(
    head: Array, tail: Array, q: Bits | None, n: int, w: Workspace, unit: Bits | None = None
) -> list[Array]:
    """The sum over rows of n, or over parts of these, in columns, all but the last one exact."""
    return slices(head, tail, q, n, 1 if n <= 1 << 16 else 2, w, unit)


def exponentials(
    x: Array, top: Array, low: Array | None, weights: Array | None, w: Workspace
) -> Result:
    """exp(x - top) as 2**q (head + tail), in memory of `w`; q in units of 2**52.

    Parameters
    ----------
    x : ndarray of float64, shape (rows, n)
        Finite, |x| <= 1400.
    top : ndarray of float64, shape (rows, 1)
        The largest x of each row.
    low : ndarray of float64 or None
        A second part of x, below ulp(x).
    weights : ndarray of float64 or None
        0 where an entry is masked, 1 elsewhere.
    """
    high, tail, q = _exponentials(x, top, low, constants(), w)
    if weights is not None:
        high *= weights
        tail *= weights
    return high, tail, q


def inverse(columns: list[Array]) -> tuple[Array, Array]:
    """1/S of each row as a head of 26 bits and a tail, shape (rows, 1)."""
    first, second = columns if len(columns) == 2 else two_sums(columns)
    whole = 1.0 / (first + second)
    top = _head(whole)
    first_top = _head(first)
    residual = 1.0 - first_top * top - (first - first_top) * top - second * top
    return top, residual * whole


def times_inverse(inverse: tuple[Array, Array], factor: tuple[Array, Array]) -> tuple[Array, Array]:
    """A factor of each row over S, as `scaled` takes it: 1/S in its place."""
    head, tail = product_of_pairs(inverse, factor)
    top = _head(head)
    return top, (head - top) + tail


def scaled(
    high: Array, tail: Array, inverse: tuple[Array, Array], w: Workspace
) -> tuple[Array, Array]:
    """(high + tail) / S as two float64, in their own memory."""
    first, second = inverse
    product, factor = w.take(), w.take()
    np.copyto(product, second)  # NumPy multiplies whole arrays twice as fast as by a column
    np.copyto(factor, first + second)
    product *= high
    tail *= factor
    tail += product
    np.copyto(factor, first)
    high *= factor
    w.give(product, factor)
    return high, tail


def times(head: Array, tail: Array, factor: Array, w: Workspace) -> tuple[Array, Array]:
    """(head + tail) factor as two float64, in memory of `w`; `head` has 26 bits.

    So its products with both parts of the factor, of 26 and of 27 bits, are exact. The second and
    the product of the tail, below 2**-14.3 of the result, are rounded: 2**-66.
    """
    product, rest, memory = w.take(), w.take(), w.take()
    np.bitwise_and(bits_of(factor), HEAD, out=bits_of(product))
    np.subtract(factor, product, out=rest)
    product *= head
    rest *= head
    rest += np.multiply(tail, factor, out=memory)
    w.give(memory)
    return product, rest


def _exponentials(x: Array, top: Array, low: Array | None, c: Constants, w: Workspace) -> Result:
    k, r, shifted = reduced(x, c, w)
    k *= c.ln2[2]
    r -= k
    if low is not None:
        r += low
    high, tail = w.take(), w.take()
    j = place_in_table(shifted, bits_of(k))
    np.take(c.high, j, out=high, mode="clip")
    np.take(c.rest, j, out=tail, mode="clip")
    q = exponent(shifted, top, c, j)
    series, whole = k, w.take()
    np.multiply(r, 1 / 6, out=series)
    series += 0.5
    series *= r
    series *= r
    series += r
    np.add(high, tail, out=whole)
    series *= whole
    tail += series
    w.give(k, r, whole)
    return high, tail, q


def _head(values: Array) -> Array:
    return (bits_of(values) & HEAD).view(np.float64)
