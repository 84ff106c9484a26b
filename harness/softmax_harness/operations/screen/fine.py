"""The kernel that screens float64 first: relative error below 2**-89, for rows shorter than 2**26.

With T = 2**(j/N) = t + low, t = RN(T), and e**r - 1 = v + w, v a multiple of 2**-42 of 27 bits,
exp(x) is 2**q (t + high v + ((T - high) v + T w + low)), high the multiple of 2**-25 nearest to t.
The product of high and v is exact, and so is its sum with t as two float64. The rest is below
2**-40.4 and may be rounded to 53 bits.

Errors, relative to the result, with |r| < 2**-15.5:

- r = rh + rl, rh the multiple of 2**-42 nearest to x - k (L1 + L2): k (L3 + L4), below 2**-44, is
  rounded three times by 2**-97; rl is below 2**-42.4 and rounded by 2**-96. A `low` part of x,
  below 2**-42.5, makes rl less than 2**-41.4 and adds 2**-95.
- r**2/2 = rh**2/2 + rl (rh + r)/2: the square is exact, the other, below 2**-57.9, is rounded a few
  times by 2**-111. The cubic term, below 2**-49, is rounded a few times by 2**-102, and the series
  ends before r**6/720 < 2**-102.5: together 2**-99.5.
- v = rh + g, g the multiple of 2**-42 nearest to rh**2/2. What is left of that, exactly, and rl and
  the cubic term make w, below 2**-41.5, or 2**-40.9 with a `low` part; its sums are rounded by
  2**-94 twice.
- (T - high) v is below 2**-41.5 and rounded by 2**-94.2; t w by 2**-94, and the low part of T is
  left out of it: 2**-93.9. The tail is added up with two roundings of 2**-94.
- Together below 2**-91.
- S: the sum of all heads, cut twice, and of all tails with what is left of these, cut once, is
  exact but for two things; in rows longer than 2**16 they are cut once more. Where they are added,
  that rounds by 2**-93.4 of the terms, and by n 2**(2b - 158), b = 1 + bits of n, or in longer rows
  n 2**(3b - 210) of a sum of 1 or more: below 2**-103. What is left in the end, n numbers of at
  most 2**(b - 92), or 2**(2b - 144), is summed by NumPy in pairs: below 2**-106, or 2**-112. The
  errors of the terms: 2**-91.
- 1/S and the product with it as in `full`; the tail times 1/S and its sums are rounded by 2**-93.5
  three times.

Together below 2**-89.5, stated as 2**-89.
"""

from __future__ import annotations

import numpy as np

from softmax_harness.operations.screen.constants import Constants, constants
from softmax_harness.operations.screen.full import inverse, scaled, times, times_inverse
from softmax_harness.operations.screen.reduction import exponent, place_in_table, reduced
from softmax_harness.operations.screen.sums import slices
from softmax_harness.operations.screen.workspace import Array, Bits, Workspace, bits_of

__all__ = [
    "RELATIVE_ERROR",
    "TAIL_BITS",
    "columns_of",
    "exponentials",
    "inverse",
    "scaled",
    "times",
    "times_inverse",
]

RELATIVE_ERROR = 2.0**-89
_COARSE = 1.5 * 2.0 ** (52 - 42)  # adding it rounds to multiples of 2**-42
_TO_HEAD = 1.5 * 2.0 ** (52 - 25)  # and this to multiples of 2**-25
TAIL_BITS = 40  # a tail is below 2**-40
Result = tuple[Array, Array, Bits]


def columns_of(
    head: Array, tail: Array, q: Bits | None, n: int, w: Workspace, unit: Bits | None = None
) -> list[Array]:
    """The sum over rows of n, or over parts of these, in columns, all but the last one exact."""
    count = 1 if n <= 1 << 16 else 2
    return slices(head, tail, q, n, count + 1, w, unit, (TAIL_BITS, count))


def exponentials(
    x: Array, top: Array, low: Array | None, weights: Array | None, w: Workspace
) -> Result:
    """exp(x - top) as 2**q (head + tail); as `softmax_harness.operations.screen.light`."""
    head, tail, q = _exponentials(x, top, low, constants(), w)
    if weights is not None:
        head *= weights
        tail *= weights
    return head, tail, q


def _exponentials(x: Array, top: Array, low: Array | None, c: Constants, w: Workspace) -> Result:
    k, r, shifted = reduced(x, c, w)
    k *= c.ln2[2] + c.ln2[3]
    v, rest_of_v = _exponential_less_one(k, r, low, w)
    memory, t, tail = k, r, w.take()
    j = place_in_table(shifted, bits_of(memory))
    np.take(c.nearest, j, out=t, mode="clip")
    np.take(c.low, j, out=tail, mode="clip")
    q = exponent(shifted, top, c, j)
    high, rest, head = memory, w.take(), w.take()
    np.add(t, _TO_HEAD, out=high)
    high -= _TO_HEAD
    np.subtract(t, high, out=rest)
    rest += tail
    rest *= v
    rest_of_v *= t
    rest += rest_of_v
    high *= v  # exactly
    np.add(t, high, out=head)
    np.subtract(head, t, out=v)
    high -= v
    tail += high
    tail += rest
    w.give(memory, t, rest, v, rest_of_v)
    return head, tail, q


def _exponential_less_one(
    k: Array, r: Array, low: Array | None, w: Workspace
) -> tuple[Array, Array]:
    """e**(r - k + low) - 1 = v + w, v a multiple of 2**-42."""
    coarse, square, whole, cubic = w.take(), w.take(), w.take(), w.take()
    np.add(r, _COARSE, out=coarse)
    coarse -= _COARSE
    r -= coarse
    r -= k
    if low is not None:
        r += low
    rest = r
    np.add(coarse, rest, out=whole)
    np.multiply(coarse, coarse, out=square)
    square *= 0.5
    mixed = k
    np.add(coarse, whole, out=mixed)
    mixed *= rest
    mixed *= 0.5
    # The cubic term r (r**2 / 2) (1/3 + r/12 + r**2/60).
    np.multiply(whole, 1 / 60, out=cubic)
    cubic += 1 / 12
    cubic *= whole
    cubic += 1 / 3
    cubic *= whole
    np.add(square, mixed, out=whole)
    cubic *= whole
    cubic += mixed
    cubic += rest
    np.add(square, _COARSE, out=whole)
    whole -= _COARSE
    square -= whole
    coarse += whole
    square += cubic
    w.give(whole, cubic)
    return coarse, square
