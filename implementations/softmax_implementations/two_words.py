r"""Softmax of float64 rows whose steps are unevaluated sums of two numbers.

With L = log 2 / 2048, k the integer nearest to d / L for d = x - max x, and r = d - k L,

    exp(d) = 2**(k // 2048) T[k % 2048] (1 + expm1(r)),    |r| <= L / 2 < 2**-12.5,

(Tang, "Table-driven implementation of the exponential function in IEEE floating-point
arithmetic", ACM TOMS 15(2), 1989). T[i] = 2**(i / 2048) is held as H[i], its 26 leading bits, and
the rest. Below, u = 2**-53; errors are relative to exp(d), to first order.

- x - max x is a difference d and its rounding error, both exact (Knuth's two-sum). The error is
  added to r, where d is not beyond exp's domain.
- k L is taken as k L1 + k L2, L1 of 31 bits, so that k L1 and d - k L1 are exact for |k| < 2**22.
  Two subtractions and an addition round r: 3 u 2**-12.5.
- expm1(r) is r + r**2 (1/2 + r/6 + r**2/24): r**5/120 < 2**-69 is left out, and rounding costs
  less than 2 u 2**-12.5.
- The second number, T expm1(r) + (T - H), is rounded three times: 3 u 2**-12.5.

Together less than 2**-61.4 of exp(d): 0.003 ulp at most. So much errs each term of the sum, and
hence the sum, apart from its own rounding. The first numbers are cut to multiples of 2**(b - 51), b
the bits of n, which add up exactly, S1; what is cut off and the second numbers add up to S2 in
floating point, pairwise. |S2| < 2**-12.4 S + n 2**(b - 51), and rounds by less than
(16 + log2 n) u times that: 0.003 ulp up to n = 2**16. Longer rows are added up in parts of so many,
whose S1 are added with their rounding errors.

The reciprocal of S1 + S2 is R1, 26 bits of it, and R2, so that H R1 is exact. What is added to it
is below 2**-11 of the quotient and rounds by 2 u 2**-11: 0.001 ulp. One addition rounds the
quotient: half an ulp. So the error is at most 0.51 ulp.

Multiplying by 2**(k // 2048) is exact where the result is a normal number. Elsewhere the quotient
is rounded to a multiple of the smallest subnormal number before: see `_subnormal`.
"""

from decimal import Decimal, localcontext
from functools import cache

import numpy as np

from softmax_implementations.registry import two_differences

_ENTRY_BITS = 11
_ENTRIES = 1 << _ENTRY_BITS
_WHOLE = 1.5 * 2.0**52  # adding it rounds to whole numbers
_WHOLE_BITS = int(np.float64(_WHOLE).view(np.int64))
_BITS = 26  # of the first number of a product that is exact
_LEAST = -760.0  # exp of it is below a quarter of the smallest subnormal number
_NEAR = -600.0  # down to it every number below, and each of its parts, is a normal number
_LONGEST_NEAR = 1 << 26  # in rows of so many the quotient is, too
_PART = 1 << 16  # terms whose sum is exact but for S2


def softmax_rows(x):
    """Softmax of each row of a matrix of float64, shape (rows, n), n > 0: a new matrix."""
    d, lost = two_differences(x, np.max(x, axis=-1, keepdims=True))
    least = np.min(d)
    if not least >= _LEAST:  # NaN too
        lost[~(d > _LEAST)] = 0.0
        np.maximum(d, _LEAST, out=d)
    steps, high, low = _exponentials(d, lost)
    if least >= _NEAR and x.shape[-1] <= _LONGEST_NEAR:
        scale = _power_of_2(steps)
        high *= scale
        low *= scale
        product, low = _quotients(high, low, *_reciprocal(*_sums(high, low)))
        low += product
        return low
    return _far(steps, high, low)


def _far(steps, high, low):
    """The same where some results may be subnormal: multiplied by powers of 2 in the end."""
    exponent = _integers(steps) >> _ENTRY_BITS
    scale = ((np.maximum(exponent, -1022) + 1023) << 52).view(np.float64)
    product, low = _quotients(high, low, *_reciprocal(*_sums(high * scale, low * scale)))
    y = product + low
    y *= scale
    small = (y < np.finfo(np.float64).smallest_normal) | (exponent < -1022)
    if small.any():
        y[small] = _subnormal(product[small], low[small], exponent[small])
    return y


def _quotients(high, low, first, second):
    """(high + low) (first + second) as an exact product and the rest; both arguments are lost."""
    product = high * first  # exact
    high *= second
    low *= first + second
    low += high
    return product, low


@cache
def table():
    """H and T - H, an array each, and the numbers L1, L2 and 1 / L."""
    with localcontext() as context:
        context.prec = 50
        step = Decimal(2).ln() / _ENTRIES
        powers = [(step * i).exp() for i in range(_ENTRIES)]
        high = _leading(np.array([float(power) for power in powers]), _BITS)
        low = [float(power - Decimal(h)) for power, h in zip(powers, high.tolist(), strict=True)]
        step_high = float(_leading(np.array(float(step)), 31))
        return high, np.array(low), step_high, float(step - Decimal(step_high)), float(1 / step)


def _leading(values, bits):
    """The leading bits of numbers, rounded to nearest."""
    significand, exponent = np.frexp(values)
    return np.ldexp(np.rint(np.ldexp(significand, bits)), exponent - bits)


def _exponentials(d, lost):
    """Whole numbers k with exp(d + lost) = 2**(k // 2048) (h + l), and h of 26 bits in [1, 2), l.

    Each k stands in the last bits of 1.5 2**52 + k.
    """
    table_high, table_low, step_high, step_low, per_step = table()
    steps = d * per_step
    steps += _WHOLE  # rounds to a whole number, which the last bits hold
    entry = steps.view(np.int64) & (_ENTRIES - 1)
    whole = steps - _WHOLE
    r = whole * -step_high
    r += d
    whole *= step_low
    r -= whole
    r += lost
    low = r * (1 / 24)
    low += 1 / 6
    low *= r
    low += 0.5
    low *= r
    low *= r
    low += r
    high, rest = table_high.take(entry, mode="clip"), table_low.take(entry, mode="clip")
    low *= high + rest
    low += rest
    return steps, high, low


def _integers(steps):
    """k of 1.5 2**52 + k."""
    return steps.view(np.int64) - _WHOLE_BITS


def _power_of_2(steps):
    """2**(k // 2048) of 1.5 2**52 + k, normal numbers: the bits of 1.5 2**52 are shifted away."""
    exponent = steps.view(np.int64) >> _ENTRY_BITS
    exponent <<= 52
    exponent += 1023 << 52
    return exponent.view(np.float64)


def _sums(high, low):
    """S1 and S2 of each row, shape (rows, 1)."""
    total = rest = np.zeros((len(high), 1))
    for start in range(0, high.shape[-1], _PART):
        part, own = high[:, start : start + _PART], low[:, start : start + _PART]
        grid = 1.5 * 2.0 ** (part.shape[-1].bit_length() + 1)
        whole = part + grid
        whole -= grid
        cut = part - whole
        cut += own
        total, lost = two_differences(total, -np.sum(whole, axis=-1, keepdims=True))
        rest = rest + lost + np.sum(cut, axis=-1, keepdims=True)
    return total, rest


def _reciprocal(s1, s2):
    """R1, of 26 bits, and R2, with R1 + R2 = 1 / (s1 + s2)."""
    whole = s1 + s2
    rest = (s1 - whole) + s2
    near = 1.0 / whole
    first = _leading(near, _BITS)
    leading = _leading(whole, _BITS)
    left = ((1.0 - first * leading) - first * (whole - leading)) - first * rest
    return first, left * near


def _subnormal(product, low, exponent):
    """2**exponent (product + low), rounded once to a multiple of the smallest subnormal number.

    Beside 2**52 times that number, divided by 2**exponent, the sum is rounded to such multiples:
    `product` by an addition whose error is exact, then with `low` by the one that decides.
    """
    grid = np.ldexp(1.0, (52 - 1074 - exponent).astype(np.int32))
    near = grid + product
    near += (product - (near - grid)) + low
    return np.ldexp(near - grid, exponent.astype(np.int32))
