"""The sum of a row's exponentials: exact integer sums of what the limbs hold."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from softmax_harness.operations.balls import Ball
from softmax_harness.operations.limbs.arithmetic import LIMB, Limbs
from softmax_harness.operations.limbs.exponentials import FARTHEST, constants, exponentials

LONG = 1 << 12
"""Shorter rows cost mpmath less than limbs: measured."""

BLOCK = 1 << 14
_BINADES = 2200  # exp(-FARTHEST) is above 2**-2165
_BEYOND = -2160  # what lies farther is below 2**_BEYOND
Keep = Callable[[slice, Limbs, NDArray[np.int64]], None]


class Rest(NamedTuple):
    """A row's exponentials, in units of the largest.

    Attributes
    ----------
    most : int
        How often the largest occurs.
    others : Ball
        The sum of all others.
    beyond : int
        How many of these lie so far below that only a bound of them is in the sum.
    """

    most: int
    others: Ball
    beyond: int


def rest_of_row(x: NDArray[np.float64], bits: int) -> Rest:
    """`Rest` of a row of finite logits, shape (n,), n < 2**32, to a relative 2**-bits.

    That holds where nothing is `Rest.beyond`.
    """
    size = max(2, -(-(bits + 12 + bits.bit_length()) // LIMB))
    return summed(x, size, lambda part, limbs, q: None)


def summed(x: NDArray[np.float64], size: int, keep: Keep) -> Rest:
    """`Rest` from exponentials of so many limbs, each block of which is passed to `keep`.

    Limbs of one binade are added up by NumPy in float64: in a block 2**14 numbers of 30 bits,
    exactly. The blocks' sums are added as integers of 64 bits, exactly up to 2**32 of them. So the
    sum errs by what its terms do, all of one sign.
    """
    c, top = constants(size), float(x.max())
    totals = np.zeros((size, _BINADES), np.int64)
    most = beyond = 0
    for part in blocks(len(x)):
        high, low, far = distance(x[part], top)
        limbs, q = exponentials(high, low, c)
        keep(part, limbs, q)
        most += int(np.count_nonzero(x[part] == top))
        if far is not None:
            beyond += int(np.count_nonzero(far))
            limbs = [np.where(far, 0, each) for each in limbs]
        for own, total in zip(limbs, totals, strict=True):
            found = np.bincount(-q, weights=own, minlength=_BINADES)
            total += found.astype(np.int64)
    totals[0, 0] -= most << (LIMB - 1)  # they are exact: 2 times 1/2
    return Rest(most, _ball(totals, c.relative_error, beyond), beyond)


def blocks(n: int) -> Iterator[slice]:
    """Of a size that the caches hold: measured."""
    return (slice(start, min(start + BLOCK, n)) for start in range(0, n, BLOCK))


def distance(
    x: NDArray[np.float64], top: float
) -> tuple[NDArray[np.float64], NDArray[np.float64] | None, NDArray[np.bool_] | None]:
    """top - x as a float64 and its rounding error, and where it is cut to `FARTHEST`.

    The error is exact (Knuth's two-sum). None stands for nothing but 0, or nowhere.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        high = top - x
        low = _error(top, x, high)
    far = high > FARTHEST
    if far.any():
        high, low = np.where(far, FARTHEST, high), np.where(far, 0.0, low)
        return high, low if low.any() else None, far
    return high, low if low.any() else None, None


def _error(top: float, x: NDArray[np.float64], high: NDArray[np.float64]) -> NDArray[np.float64]:
    """(top - x) - high, exactly."""
    minus = high - top
    return (top - (high - minus)) - (x + minus)


def _ball(totals: NDArray[np.int64], error: float, beyond: int) -> Ball:
    """The sum of all limbs of all binades, 2**(1 - binade) times, with its radius."""
    size, used = len(totals), np.flatnonzero(totals.any(axis=0)).tolist()
    deepest = used[-1] if used else 0
    man = 0
    for binade in used:
        own = 0
        for total in totals[:, binade].tolist():
            own = (own << LIMB) + total
        man += own << (deepest - binade)
    exp = 1 - deepest - LIMB * size
    rad = (man * math.ceil(error) >> LIMB * size) + 1 if man else 0
    if not beyond:
        return Ball(man, exp, rad)
    lift = max(exp - _BEYOND, 0)
    far = beyond << max(_BEYOND - exp, 0)
    return Ball(man << lift, exp - lift, (rad << lift) + far)
