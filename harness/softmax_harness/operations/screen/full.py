"""The kernel for float64: relative error below 2**-95, for rows shorter than 2**26.

Everything is a sum of two float64, and every product whose rounding would show is split so that
its error is known exactly (Dekker 1971; no fused multiply-add is needed).

With u = 2**-53 and r = x - k (ln 2)/N, |r| < 2**-15.5, the errors relative to the result are:

- r = rh + rl: k times the first three pieces of (ln 2)/N is exact, and so are the differences, the
  third one as a fast two-sum: all terms are multiples of 2**-96 and small. k L4 < 2**-71 is
  rounded by 2**-124; a `low` part of x adds one more exact two-sum. Below 2**-120.
- e**r - 1 = vh + vl: with ra the multiple of 2**-41 nearest to rh, 26 bits, ra**2 is exact, and
  r**2/2 = ra**2/2 + (rh - ra)(rh + ra)/2 + rh rl. The cubic term, below 2**-49, and the sums
  with it are rounded a few times by u 2**-49: 2**-99.5. The series ends before
  r**6/720 < 2**-102.5.
- T (1 + v): T = t + low to 2**-106; t vh exactly; its products with vl,
  below 2**-49, rounded by 2**-102 a few times: 2**-100.5.
- S: two or three columns of the terms' sum are exact. What is left, at most 2**-50 of the terms
  in the tails and n 2**-77 <= 2**-51 of S >= 1 in the heads, is summed by NumPy in pairs, at
  depth 32 at most, and where a row comes in pieces these are added with one rounding: below
  32 u (2**-50 + 2**-51): 2**-97.4. The errors of the terms: 2**-98.8.
- 1/S and the product with it: exact products again, 2**-102.

Together below 2**-96.3, stated as 2**-95.
"""

from __future__ import annotations

import numpy as np

from softmax_harness.operations.screen.constants import Constants, constants
from softmax_harness.operations.screen.reduction import (
    exponent,
    place_in_table,
    reduced,
)
from softmax_harness.operations.screen.sums import (
    HEAD,
    exact_product,
    product_into,
    product_of_pairs,
    slices,
    two_sums,
)
from softmax_harness.operations.screen.workspace import Array, Bits, Workspace, bits_of

RELATIVE_ERROR = 2.0**-95
_COARSE = 1.5 * 2.0 ** (52 - 41)  # adding it rounds to multiples of 2**-41
Result = tuple[Array, Array, Bits]


def columns_of(
    head: Array, tail: Array, q: Bits | None, n: int, w: Workspace, unit: Bits | None = None
) -> list[Array]:
    """The sum over rows of n, or over parts of these, in columns, all but the last one exact."""
    return slices(head, tail, q, n, 2 if n <= 1 << 16 else 3, w, unit)


def exponentials(
    x: Array, top: Array, low: Array | None, weights: Array | None, w: Workspace
) -> Result:
    """exp(x - top) as 2**q (head + tail); as `softmax_harness.operations.screen.light`."""
    head, tail, q = _exponentials(x, top, low, constants(), w)
    if weights is not None:
        head *= weights
        tail *= weights
    return head, tail, q


def inverse(columns: list[Array]) -> tuple[Array, Array]:
    """1/S of each row as two float64: one step of Newton's iteration with an exact product."""
    s, sl = two_sums(columns)
    first = 1.0 / s
    p, e = exact_product(s, first)
    second = ((1.0 - p) - e - sl * first) * first
    # The step is quadratic: its own error is second**2 s, below 2**-104 of the result.
    return first, second


def times_inverse(inverse: tuple[Array, Array], factor: tuple[Array, Array]) -> tuple[Array, Array]:
    """A factor of each row over S, as `scaled` takes it: 1/S in its place."""
    return product_of_pairs(inverse, factor)


def scaled(
    head: Array, tail: Array, inverse: tuple[Array, Array], w: Workspace
) -> tuple[Array, Array]:
    """(head + tail) / S as two float64; consumes head."""
    first, second = inverse
    split, product, factor = w.take(), w.take(), w.take()
    np.copyto(product, second)  # NumPy multiplies whole arrays twice as fast as by a column
    np.copyto(factor, first)
    product *= head
    tail *= factor
    tail += product
    error = w.take()
    product_into(head, factor, product, error, split, w)
    tail += error
    w.give(factor)
    w.give(split, error, head)
    return product, tail


def times(head: Array, tail: Array, factor: Array, w: Workspace) -> tuple[Array, Array]:
    """(head + tail) factor as two float64, in memory of `w`; the product of heads is exact."""
    product, error, other, memory = w.take(), w.take(), w.take(), w.take()
    np.copyto(other, factor)
    product_into(head, other, product, error, memory, w)
    error += np.multiply(tail, factor, out=memory)
    w.give(other, memory)
    return product, error


def _exponentials(x: Array, top: Array, low: Array | None, c: Constants, w: Workspace) -> Result:
    k, r, shifted = reduced(x, c, w)
    r, rl = _remainder(k, r, low, c, w)
    v, vl = _exponential_less_one(r, rl, w)  # r and rl are given back
    t, tail = w.take(), w.take()
    j = place_in_table(shifted, bits_of(k))
    np.take(c.nearest, j, out=t, mode="clip")
    np.take(c.low, j, out=tail, mode="clip")
    q = exponent(shifted, top, c, j)
    high, middle, product = k, w.take(), w.take()
    np.bitwise_and(bits_of(t), HEAD, out=bits_of(high))
    np.subtract(t, high, out=middle)
    # t v exactly, as product + error.
    head_of_v, error = w.take(), w.take()
    np.bitwise_and(bits_of(v), HEAD, out=bits_of(head_of_v))
    np.multiply(t, v, out=product)
    np.multiply(high, head_of_v, out=error)
    error -= product
    rest_of_v, term = w.take(), w.take()
    np.subtract(v, head_of_v, out=rest_of_v)
    np.multiply(high, rest_of_v, out=term)
    error += term
    np.multiply(middle, head_of_v, out=term)
    error += term
    middle *= rest_of_v
    error += middle
    # tail = error + t vl + low (1 + v)
    vl *= t
    error += vl
    v *= tail
    tail += v
    tail += error
    # t + product exactly
    head = high
    np.add(t, product, out=head)
    np.subtract(head, t, out=term)
    product -= term
    tail += product
    w.give(middle, t, product, head_of_v, error, rest_of_v, term, v, vl)
    return head, tail, q


def _remainder(
    k: Array, r: Array, low: Array | None, c: Constants, w: Workspace
) -> tuple[Array, Array]:
    """r - k (L3 + L4) + `low` as two float64, the second at most an ulp; consumes k and r."""
    third, total, rl = w.take(), w.take(), w.take()
    np.multiply(k, -c.ln2[2], out=third)
    _fast_two_sum(r, third, total, rl)
    k *= c.ln2[3]
    rl -= k
    if low is not None:
        _two_sum(total, low, r, third)  # either may be the larger
        rl += third
        r, total = total, r
    w.give(third, r)
    return total, rl


def _fast_two_sum(a: Array, b: Array, total: Array, error: Array) -> None:
    """a + b = total + error exactly where |a| >= |b| (Dekker)."""
    np.add(a, b, out=total)
    np.subtract(total, a, out=error)
    np.subtract(b, error, out=error)


def _two_sum(a: Array, b: Array, total: Array, error: Array) -> None:
    """a + b = total + error exactly (Knuth)."""
    np.add(a, b, out=total)
    back = total - a
    np.subtract(a, total - back, out=error)
    error += b - back


def _exponential_less_one(r: Array, rl: Array, w: Workspace) -> tuple[Array, Array]:
    """e**(r + rl) - 1 = v + vl; gives r and rl back to `w`."""
    square, rest, total, cubic = w.take(), w.take(), w.take(), w.take()
    coarse = square
    np.add(r, _COARSE, out=coarse)
    coarse -= _COARSE
    np.subtract(r, coarse, out=rest)
    np.add(r, coarse, out=total)
    rest *= total
    rest *= 0.5
    coarse *= coarse
    square *= 0.5
    np.multiply(r, rl, out=total)
    rest += total
    # The cubic term r * (r**2 / 2) * (1/3 + r/12 + r**2/60).
    np.add(square, rest, out=total)
    np.multiply(r, 1 / 60, out=cubic)
    cubic += 1 / 12
    cubic *= r
    cubic += 1 / 3
    cubic *= r
    cubic *= total
    rest += cubic
    rest += rl
    v = total
    np.add(r, square, out=v)
    np.subtract(v, r, out=cubic)
    square -= cubic
    rest += square
    w.give(r, rl, square, cubic)
    return v, rest
