"""Numbers as sums of two float64, a leading part and what is left of it, with proved errors.

u = 2**-53 is the unit roundoff. A pair is normalised where |low| <= u |high|. No product may
underflow: operands are scaled to lie near 1 first.
"""

from __future__ import annotations

import math

from softmax_harness.operations.screen.sums import exact_product, two_sum
from softmax_harness.operations.screen.workspace import Array

Pair = tuple[Array, Array]

PRODUCT_ERROR = 2.0**-102
"""Relative error of `product`, of `quotient`, and of a number from `square_root_inverse`."""


def difference(a: Pair, b: Pair) -> Pair:
    """a - b of normalised pairs, to 6 u**2 max(|a|, |b|).

    The leading parts are subtracted exactly. The low ones, at most u max each, are subtracted and
    added with three roundings of numbers of at most 4 u max.
    """
    high, low = two_sum(a[0], -b[0])
    return two_sum(high, low + (a[1] - b[1]))


def total(a: Pair, b: Pair) -> Pair:
    """a + b of normalised pairs, as well as `difference`."""
    return difference(a, (-b[0], -b[1]))


def product(a: Pair, b: Pair) -> Pair:
    """a b of normalised pairs, to `PRODUCT_ERROR`.

    What is left out is low * low, at most u**2; the two cross terms, at most u each, and their sums
    are rounded by 2 u**2 and 4 u**2.
    """
    high, low = exact_product(a[0], b[0])
    return two_sum(high, low + (a[0] * b[1] + a[1] * b[0]))


def quotient(a: Pair, b: Pair) -> Pair:
    """a / b of normalised pairs, to `PRODUCT_ERROR`.

    With c = RN(a / b), a - b c is at most 4 u |a|: the leading parts are subtracted exactly, the
    rest with roundings of 4 u**2 |a| in all, and the division by b rounds by 4 u**2.
    """
    first = a[0] / b[0]
    high, low = exact_product(first, b[0])
    left = ((a[0] - high) - low) + (a[1] - first * b[1])
    return two_sum(first, left / b[0])


def square_root_inverse(value: int) -> tuple[float, float]:
    """1 / sqrt(value) of an integer above 0, to 2**-104 of itself."""
    bits = 256
    root = math.isqrt((1 << 2 * bits) // value)  # 2**bits / sqrt(value), cut
    high = math.ldexp(float(root), -bits)
    rest = root - int(math.ldexp(high, bits))
    return high, math.ldexp(float(rest), -bits)
