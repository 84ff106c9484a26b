"""The sum of a long row's exponentials: by two kernels of the screen, and mpmath for the largest.

mpmath takes some 15 microseconds for an exponential, the kernels some nanoseconds. So of rows of
`LONG` logits and more mpmath judges elements, each by its own exponential, and the sum that it is
divided by comes from `full`, within 2**-95 of itself for rows shorter than 2**26, as that kernel's
docstring proves: what n adds to the error is the rounding of a pairwise sum of rests. `middle`,
which has a series, a table and columns of its own, sums every fourth piece of the row a second
time: within 2**-75. The two must meet.

The largest logit, as often as it occurs, is left out and the others are summed in units of the
largest of these, so that the bound is relative to their sum, however far below it lies. A logit
more than 1400 below that is counted as one at 1400: n 2**-2019 of the sum at most.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.errors import ScreenIsWrong
from softmax_harness.operations.balls import (
    Ball,
    cut,
    enclosure,
    exact,
    exponential,
    near_limit,
    product,
    quotient,
    total,
)
from softmax_harness.operations.enclosure import Array, Enclosure
from softmax_harness.operations.screen import LONGEST_ROW, full, middle
from softmax_harness.operations.screen.arguments import DIRECT, distance
from softmax_harness.operations.screen.long import pieces, unit_of
from softmax_harness.operations.screen.sums import joined
from softmax_harness.operations.screen.workspace import workspace

LONG = 1 << 12
"""Shorter rows cost mpmath little."""

KNOWN_BITS = 94
"""A sum is known to that many bits at least."""

_GUARD = 16
_AGAIN = 4


class Rest(NamedTuple):
    """The exponentials of a row, in units of the largest.

    Attributes
    ----------
    top : float
        The largest logit.
    most : int
        How often it occurs.
    others : Ball
        The sum of all others, 0 if there is none.
    bottom : float
        The smallest finite logit.
    """

    top: float
    most: int
    others: Ball
    bottom: float

    def denominator(self, bits: int) -> Ball:
        """The sum of all, to so many bits."""
        return cut(total([Ball(self.most, 0), self.others], bits), bits)


def is_long(n: int) -> bool:
    """Whether `rest_of_row` takes rows of n logits."""
    return LONG <= n <= LONGEST_ROW


def rest_of_row(x: NDArray[Any], let_go: Callable[[], None] = lambda: None) -> Rest:
    """`Rest` of a row of logits in any format up to float64, shape (n,), finite or -inf.

    It is read piece by piece, and not changed; `let_go` is called after each piece.

    Raises
    ------
    ScreenIsWrong
        Where the two kernels contradict each other.
    """
    top, most, second, bottom = float(x.max()), 0, -math.inf, math.inf
    for piece in pieces(len(x)):
        part = x[piece].astype(np.float64, copy=False)
        at_top = part == top
        most += int(np.count_nonzero(at_top))
        second = max(second, float(np.max(part, where=~at_top, initial=-np.inf)))
        bottom = min(bottom, float(np.min(part, where=np.isfinite(part), initial=np.inf)))
        let_go()
    if second == -math.inf:
        return Rest(top, most, Ball(0, 0), bottom)
    far = max(abs(second), -bottom) > DIRECT
    origin = second if far else 0.0
    columns, again = [], []
    for number, piece in enumerate(pieces(len(x))):
        part = x[None, piece].astype(np.float64, copy=False)
        columns.append(_columns(part, len(x), top, second, far, full))
        if number % _AGAIN == 0:
            again.append((columns[-1], _columns(part, len(x), top, second, far, middle)))
        let_go()
    for own, other in again:
        _check(own, other, len(x))
    # The kernel's terms are in units of the power of two of the largest one's.
    best = _ball(joined(columns), full, unit_of(second - origin))
    scale = exponential(total([exact(origin), -exact(top)]), KNOWN_BITS + _GUARD)
    return Rest(top, most, product(best, scale), bottom)


def _columns(
    x: Array, n: int, top: float, second: float, far: bool, kernel: ModuleType
) -> list[Array]:
    """Those of the exponentials of part of a row that lie below `top`, `second` the largest."""
    low = weights = None
    if float(x.max()) == top or float(x.min()) == -np.inf:
        kept = np.isfinite(x) & (x < top)
        x, weights = np.where(kept, x, second), kept.astype(np.float64)
    if far:
        x, low = distance(x, np.full((1, 1), second))
    w = workspace(x.shape)
    at = np.full((1, 1), 0.0 if far else second)
    head, tail, q = kernel.exponentials(x, at, low, weights, w)
    found: list[Array] = kernel.columns_of(head, tail, q, n, w)
    w.give(head, tail, q.view(np.float64))
    return found


def _ball(columns: list[Array], kernel: ModuleType, unit: int) -> Ball:
    """What columns add up to, in units of 2**unit, within the kernel's error.

    The bound is relative to a sum of 1 or more, as that of a whole row is.
    """
    found = total(exact(float(each[0, 0])) for each in columns)
    one = max(found.man, 1 << max(-found.exp, 0))
    bits = -int(math.log2(kernel.RELATIVE_ERROR))
    return Ball(found.man, found.exp + unit, (one >> bits) + 1)


def _check(own: list[Array], other: list[Array], n: int) -> None:
    """Hold the sums of a piece by the two kernels against each other."""
    apart = total([_ball(own, full, 0), -_ball(other, middle, 0)])
    if abs(apart.man) > apart.rad:
        raise ScreenIsWrong(
            f"two kernels of the screen contradict each other on the sum of a row of {n} logits; "
            "please report this"
        )


def enclose_values(rest: Rest, values: list[float], precision: int) -> list[Enclosure]:
    """softmax at some of the values of a row of which `rest` is known, not all of them equal.

    To `precision` bits or `KNOWN_BITS`, whichever is less.
    """
    bits, top = min(precision, KNOWN_BITS) + _GUARD, exact(rest.top)
    denominator, found = rest.denominator(bits), []
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
    small = -quotient(rest.others, product(Ball(most, 0), denominator), bits)
    found = near_limit(Fraction(1, most), small)
    return found or enclosure(total([Ball(1, 1 - most.bit_length()), small]))


def columns(rest: Rest, in_units_of_top: bool) -> list[Array]:
    """The sum as two float64, as the kernels' `inverse` takes it.

    Parameters
    ----------
    in_units_of_top : bool
        Of exp(top), as for distances from it; else of its power of two, as for logits themselves.
    """
    bits = KNOWN_BITS + _GUARD
    whole = rest.denominator(bits)
    if not in_units_of_top:
        whole = product(whole, exponential(exact(rest.top), bits))
        whole = Ball(whole.man, whole.exp - unit_of(rest.top))
    value = Fraction(whole.man) * Fraction(2) ** whole.exp
    head = float(value)
    return [np.full((1, 1), head), np.full((1, 1), float(value - Fraction(head)))]
