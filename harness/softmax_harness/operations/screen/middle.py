"""The kernel between `light` and `full`: relative error below 2**-75, for rows shorter than 2**26.

With T = 2**(j/N) = high + rest and r = rh + rl, rh the multiple of 2**-41 nearest to r, exp(x) is
2**q (high + high rh + (rest (1 + rh) + T (e**r - 1 - rh))). `high` and `rh` have 26 bits, so that
their product is exact, and so is its sum with `high` as two float64. The rest is below 2**-25.9 and
may be rounded to 53 bits.

Errors, relative to the result, with u = 2**-53:

- r: k times the rest of (ln 2)/N, rounded to 53 bits, is below 2**-43 and errs by 2**-96; rl is
  below 2**-42 and rounded by 2**-95. A `low` part of x, below 2**-41, adds 2**-94.
- e**r - 1 - rh: the series ends before r**5/120 < 2**-84; what is added is below 2**-31.8, with
  four roundings: 2**-83.
- rest is rounded by 2**-80, its sums by 2**-79 twice, that with the error of high + high rh by
  2**-79: below 2**-77.3.
- S: the sum of all heads and tails is exact but for two things. Where what is left of a head is
  added to its tail, that rounds by 2**-78 of the term, and by n 2**(b - 106), b = 1 + bits of n,
  in rows of up to 2**13, n 2**(2b - 158) in longer ones, of a sum of 1 or more: below 2**-77.
  What is left of that, 2**(b - 78) or in longer rows 2**(2b - 130) of each, is summed by NumPy in
  pairs, at depth 32 at most: below n 2**(b - 126) or n 2**(2b - 178), far less. Together 2**-76.4.
  The errors of the terms: 2**-77.3.
- 1/S and the product with it: as in `full`; the tail times 1/S is rounded by 2**-78.

Together below 2**-75.1, stated as 2**-75.
"""

from __future__ import annotations

import numpy as np

from softmax_harness.operations.screen.constants import constants
from softmax_harness.operations.screen.full import inverse, scaled, times, times_inverse
from softmax_harness.operations.screen.reduction import exponent, place_in_table, reduced
from softmax_harness.operations.screen.sums import slices_with_tails
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

RELATIVE_ERROR = 2.0**-75
_COARSE = 1.5 * 2.0 ** (52 - 41)  # adding it rounds to multiples of 2**-41
TAIL_BITS = 25  # a tail is below 2**-25
Result = tuple[Array, Array, Bits]


def columns_of(
    head: Array, tail: Array, q: Bits | None, n: int, w: Workspace, unit: Bits | None = None
) -> list[Array]:
    """The sum over rows of n, or over parts of these, in columns."""
    return slices_with_tails(head, tail, q, n, TAIL_BITS, w, unit)


def exponentials(
    x: Array, top: Array, low: Array | None, weights: Array | None, w: Workspace
) -> Result:
    """exp(x - top) as 2**q (head + tail); as `softmax_harness.operations.screen.light`."""
    head, tail, q = _exponentials(x, top, low, w)
    if weights is not None:
        head *= weights
        tail *= weights
    return head, tail, q


def _exponentials(x: Array, top: Array, low: Array | None, w: Workspace) -> Result:
    c = constants()
    k, exact, shifted = reduced(x, c, w)
    r, coarse = w.take(), w.take()
    k *= c.ln2[2] + c.ln2[3]
    if low is not None:
        k -= low
    np.subtract(exact, k, out=r)
    np.add(r, _COARSE, out=coarse)
    coarse -= _COARSE
    exact -= coarse
    exact -= k
    series = k
    np.multiply(r, 1 / 24, out=series)
    series += 1 / 6
    series *= r
    series += 0.5
    series *= r
    series *= r
    series += exact
    j = place_in_table(shifted, bits_of(exact))
    high, tail = w.take(), w.take()
    np.take(c.high, j, out=high, mode="clip")
    np.take(c.rest, j, out=tail, mode="clip")
    q = exponent(shifted, top, c, j)
    whole, head = exact, w.take()
    np.add(high, tail, out=whole)
    series *= whole
    np.multiply(coarse, tail, out=r)
    series += r
    tail += series
    coarse *= high  # exactly
    np.add(high, coarse, out=head)
    np.subtract(head, high, out=r)
    coarse -= r
    tail += coarse
    w.give(k, exact, r, coarse, high)
    return head, tail, q
