"""Softmax of rows in one pass over memory, compiled by numba: loops that it turns into vectors.

Each loop either treats every element alone or adds up numbers whose order does not matter: `_plus`
alone may be reordered. A product and a sum may be rounded at once, where the processor can
(`contract`): a bound that counts both roundings holds for one. Where both orders of such a fusion
are possible, or where a rounding error is made to be used, nothing is fused. The tables are
constants of this module, since numba then knows that no result is written into them.
`softmax_implementations.two_words` has the formulas of float64, and their bound.
"""

import numpy as np
from numba import njit

from softmax_implementations import two_words

_CHUNK = 512
_ROUND = 1.5 * 2.0**52  # added to a number below 2**51, it leaves the nearest integer
_ROUND_BITS = int(np.float64(_ROUND).view(np.int64))  # that integer is added to these bits
_ONE_BITS = int(np.float64(1.0).view(np.int64))
_SMALL = -1010  # from this power of 2 down, what is added to a product is partly subnormal
_LEAST_64 = -745.2  # exp of it is below half the smallest subnormal number
_LEAST_32 = -200.0  # exp of it is far below float32's smallest number, and a float64
_SPLIT = 2.0**27 + 1.0  # Veltkamp's: cuts a number to its 26 leading bits
_GRID = 1.5 * 2.0**11  # beside it 512 numbers below 2 are cut to multiples that add up exactly
_LOG_2 = float(np.log(2.0))

_HIGH, _LOW, _STEP_HIGH, _STEP_LOW, _PER_STEP = two_words.table()
_EXP = tuple(
    np.polynomial.Chebyshev.interpolate(np.exp, 10, domain=[-_LOG_2 / 2, _LOG_2 / 2])
    .convert(kind=np.polynomial.Polynomial)
    .coef.tolist()
)


@njit(fastmath={"reassoc"}, error_model="numpy", nogil=True)
def _plus(total, term):
    """A sum that is added up in any order."""
    return total + term


@njit(error_model="numpy", nogil=True)
def _reciprocal(whole, rest):
    """1 / (whole + rest) as two numbers, the first of 26 bits."""
    near = 1.0 / whole
    first = near * _SPLIT
    first = first - (first - near)
    leading = whole * _SPLIT
    leading = leading - (leading - whole)
    left = ((1.0 - first * leading) - first * (whole - leading)) - first * rest
    return first, left * near


@njit(error_model="numpy", nogil=True)
def _product(high, low, first, second):
    """(high + low) (first + second), rounded once but for what is far below its last bit."""
    return high * first + (high * second + low * (first + second))


@njit(fastmath={"contract"}, error_model="numpy", nogil=True)
def float64_rows(x, maxima, y):
    """Softmax of the rows of x into y; which rows may have tiny results, shape (rows,).

    These rows are not rounded correctly.
    """
    rows, n = x.shape
    high, low = np.empty(n), np.empty(n)
    again = np.zeros(rows, np.bool_)
    length_bits = int(np.ceil(np.log2(n)))  # no sum is above 2 to it
    least_bits = _ROUND_BITS + 2048 * (_SMALL + length_bits)
    for i in range(rows):
        top, total, rest, least = maxima[i], 0.0, 0.0, np.int64(_ROUND_BITS)
        for start in range(0, n, _CHUNK):
            count = min(_CHUNK, n - start)
            logits = x[i, start : start + count]
            head, tail = high[start : start + count], low[start : start + count]
            sums, left = 0.0, 0.0
            for j in range(count):
                d = logits[j] - top
                back = d - logits[j]
                lost = (logits[j] - (d - back)) - (top + back)
                inside = d > _LEAST_64
                d = d if inside else 0.0
                rounded = d * _PER_STEP + _ROUND
                steps = rounded - _ROUND
                r = ((d - steps * _STEP_HIGH) - steps * _STEP_LOW) + (lost if inside else 0.0)
                expm1 = r + (r * r) * (0.5 + r * (1 / 6 + r * (1 / 24)))
                bits = np.float64(rounded).view(np.int64)
                least = bits if bits < least else least
                scale_bits = np.int64(((bits - _ROUND_BITS) >> 11 << 52) + _ONE_BITS)
                scale = scale_bits.view(np.float64) if inside else 0.0
                first, second = _HIGH[bits & 2047] * scale, _LOW[bits & 2047] * scale
                second = (first + second) * expm1 + second
                head[j], tail[j] = first, second
                cut = (first + _GRID) - _GRID
                sums = _plus(sums, cut)
                left = _plus(left, (first - cut) + second)
            before, total = total, total + sums
            back = total - before
            rest += ((before - (total - back)) + (sums - back)) + left
        whole = total + rest
        first, second = _reciprocal(whole, (total - whole) + rest)
        results = y[i]
        for j in range(n):
            results[j] = _product(high[j], low[j], first, second)
        again[i] = least < least_bits
    return again


@njit(fastmath={"contract"}, error_model="numpy", nogil=True)
def float32_rows(x, maxima, y):
    """Softmax of the rows of x, in float64 and rounded once, into y.

    exp is 2**k times the polynomial of degree 10 that meets exp(r) in the Chebyshev points of
    |r| <= h = log(2) / 2. It errs by at most exp(h) 2 (h / 2)**11 / 11! (the remainder of
    interpolation, whose product of differences is at most 2 (h / 2)**11), or 2**-51 of exp(r).
    """
    c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10 = _EXP
    rows, n = x.shape
    e = np.empty(n)
    for i in range(rows):
        top, total = np.float64(maxima[i]), 0.0
        for start in range(0, n, _CHUNK):
            count = min(_CHUNK, n - start)
            logits, part = x[i, start : start + count], e[start : start + count]
            own = 0.0
            for j in range(count):
                d = np.float64(logits[j]) - top
                d = d if d > _LEAST_32 else np.float64(_LEAST_32)
                rounded = d * (1 / _LOG_2) + _ROUND
                r = d - (rounded - _ROUND) * _LOG_2
                p = c10 * r + c9
                p = p * r + c8
                p = p * r + c7
                p = p * r + c6
                p = p * r + c5
                p = p * r + c4
                p = p * r + c3
                p = p * r + c2
                p = p * r + c1
                p = p * r + c0
                k = np.float64(rounded).view(np.int64) << 52  # of its bits the integer is left
                part[j] = np.int64(np.float64(p).view(np.int64) + k).view(np.float64)
                own = _plus(own, part[j])
            total += own
        inverse, results = 1.0 / total, y[i]
        for j in range(n):
            results[j] = np.float32(e[j] * inverse)
