"""log(1 + y) of sums of two float64, with an error relative to the result however small y is."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from softmax_harness.operations.screen.constants import N, constants
from softmax_harness.operations.screen.sums import exact_product, two_sum
from softmax_harness.operations.screen.workspace import Array, Bits

LOG_ERROR = 2.0**-81
_SHALLOW = -400  # below 2**this y is its own logarithm, up to 2**this of itself


class Scaled(NamedTuple):
    """Numbers 2**exponent (head + tail), shape (rows, 1) each; the exponents are plain integers."""

    head: Array
    tail: Array
    exponent: Bits

    def some(self, chosen: slice) -> Scaled:
        """Some of them."""
        return Scaled(self.head[chosen], self.tail[chosen], self.exponent[chosen])

    @classmethod
    def concatenated(cls, parts: list[Scaled]) -> Scaled:
        """Those of all parts."""
        head = np.concatenate([each.head for each in parts])
        tail = np.concatenate([each.tail for each in parts])
        return cls(head, tail, np.concatenate([each.exponent for each in parts]))


def log_of_one_and(y: Scaled) -> Scaled:
    """log(1 + y) for 0 <= y < 2**27: relative error below `LOG_ERROR`, exponents at most 0.

    Below 2**`_SHALLOW` y is scaled to that, and the logarithm back.

    Let 1 + y = 2**(K/N) (1 + f) with K the integer nearest to N log2(1 + y): the table has
    2**(-K/N) as two float64. |f| < 2**-15.4, and log(1 + y) = K (ln 2)/N + log(1 + f). Errors, with
    u = 2**-53:

    - 1 + f: the product with the head of the table is exact, three small ones, each below 2 u, are
      rounded, the table itself is right to 2**-105: below 2**-102. If K = 0, f is y, without any.
    - log(1 + f) = f - f**2/2 + f**3 (1/3 - f/4 + f**2/5 - f**3/6): the square is exact, the cubic
      term, below 2**-47.8, and the sums with it are rounded a few times: 2**-98.5. The next term is
      below 2**-110. The tail of f, below 2**-68, is divided by 1 + f.
    - K times three pieces of (ln 2)/N is exact, |K| < 2**19; the sums are, but for those of what is
      below 2**-52 of them: 2**-104 of the result.

    If K is not 0, the result is at least 2**-15.6, else it is at least f (1 - f): the errors are
    below 2**-82 of it.
    """
    depth = np.minimum(y.exponent - _SHALLOW, 0)
    shift = (y.exponent - depth).astype(np.int32)
    high, low = two_sum(np.ldexp(y.head, shift), np.ldexp(y.tail, shift))
    k, f, fl = _reduced(high, low)
    h, hl = _log_of_one_and_small(f, fl)
    first, second, third, last = (k * each for each in constants().ln2)
    total, error = two_sum(first, second)
    total, more = two_sum(total, h)
    head, tail = two_sum(total, error + more + (third + last + hl))
    return Scaled(head, tail, depth)


def _reduced(y: Array, yl: Array) -> tuple[Array, Array, Array]:
    """K and f as two float64."""
    c = constants()
    s, sl = two_sum(np.ones_like(y), y)
    s, sl = two_sum(s, sl + yl)
    k = np.rint(np.log2(s) * N)
    place = (-k).astype(np.int64) & (N - 1)
    power = ((-k - place) / N).astype(np.int32)
    s, sl = np.ldexp(s, power), np.ldexp(sl, power)
    t = c.nearest[place]
    p, error = exact_product(s, t)
    f, fl = two_sum(p - 1.0, error + (s * c.low[place] + sl * t))
    near = k == 0.0
    return k, np.where(near, y, f), np.where(near, yl, fl)


def _log_of_one_and_small(f: Array, fl: Array) -> tuple[Array, Array]:
    """log(1 + f + fl) as two float64."""
    square, error = exact_product(f, f)
    cubic = square * f * (1 / 3 - f * (1 / 4 - f * (1 / 5 - f * (1 / 6))))
    head, tail = two_sum(f, -0.5 * square)
    return head, tail + (cubic - 0.5 * error + fl / (1.0 + f))
