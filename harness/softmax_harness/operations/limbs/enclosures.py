"""A few elements of a long row, enclosed to any precision."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from softmax_harness.operations.balls import (
    Ball,
    enclosure,
    exact,
    exponential,
    near_limit,
    product,
    quotient,
    total,
)
from softmax_harness.operations.limbs.sums import Rest, rest_of_row
from softmax_harness.operations.operation import Enclosure

_GUARD = 16
_BEYOND = 2048  # what lies beyond the farthest exponential is below 2**-2100 of everything


def enclose_values(x: NDArray[np.float64], values: list[float], precision: int) -> list[Enclosure]:
    """softmax at some of the values that a row of finite logits holds, not all of them equal.

    The sum comes from limbs, the exponential of each value from mpmath.
    """
    bits = precision + _GUARD
    top = exact(float(x.max()))
    rest = rest_of_row(x, bits)
    denominator = total([Ball(rest.most, 0), rest.others])
    found = []
    for value in values:
        below = total([exact(value), -top])
        if below.is_zero:
            found.append(_largest(rest, denominator, bits))
        else:
            found.append(enclosure(quotient(exponential(below, bits), denominator, bits)))
    return found


def _largest(rest: Rest, denominator: Ball, bits: int) -> Enclosure:
    """1 / (most + others): next to 1/most, where `others` is small, by how much in all its bits.

    Where 1/most is no number of a format, rising precision decides.
    """
    most = rest.most
    if most & (most - 1):
        return enclosure(quotient(Ball(1, 0), denominator, bits))
    if not rest.others.sign:  # all others lie beyond the farthest exponential
        exp = 1 - most.bit_length() - _BEYOND
        return Enclosure((1 << _BEYOND) - 1, exp, 1)
    whole = product(Ball(most, 0), denominator)
    small = -quotient(rest.others, whole, bits)
    found = near_limit(Fraction(1, most), small)
    return found or enclosure(total([Ball(1, 1 - most.bit_length()), small]))
