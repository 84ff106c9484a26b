"""Softmax of rows in one pass over memory, compiled by numba: loops that it turns into vectors.

Each loop either treats every element alone or adds up numbers whose order does not matter, so that
the compiler may use vectors without being allowed to reorder anything else. Chunks stay in the
first cache. `softmax_implementations.two_words` has the formulas of float64, and their bound.
"""

import numpy as np
from numba import njit

_CHUNK = 512
_ROUND = 1.5 * 2.0**52  # added to a number below 2**51, it leaves the nearest integer
_INTEGER = (1 << 52) - 1  # that integer and 2**51, among the bits of the sum
_SMALL = 2.0**-1010  # of smaller results, what is added to a product is partly subnormal
_LEAST_64 = -745.2  # exp of it is below half the smallest subnormal number
_LEAST_32 = -200.0  # exp of it is far below float32's smallest number, and a float64
_SPLIT = 2.0**27 + 1.0  # Veltkamp's: cuts a number to its 26 leading bits
_GRID = 1.5 * 2.0**11  # beside it 512 numbers below 2 are cut to multiples that add up exactly


@njit(fastmath={"reassoc"}, error_model="numpy", nogil=True)
def _total(values, count):
    """The sum of the first numbers, in any order."""
    total = 0.0
    for j in range(count):
        total += values[j]
    return total


@njit(error_model="numpy", nogil=True)
def float64_rows(x, maxima, table, y):
    """Softmax of the rows of x into y; how many results of each row are tiny, shape (rows,).

    These are not rounded correctly. `table` is what `two_words.table` gives.
    """
    table_high, table_low, step_high, step_low, per_step = table
    rows, n = x.shape
    high, low = np.empty(n), np.empty(n)
    sums, left, scale = np.empty(_CHUNK), np.empty(_CHUNK), np.empty(_CHUNK)
    bits, scale_bits = sums.view(np.int64), scale.view(np.int64)
    tiny = np.zeros(rows, np.int64)
    for i in range(rows):
        top, total, rest = maxima[i], 0.0, 0.0
        for start in range(0, n, _CHUNK):
            count = min(_CHUNK, n - start)
            logits = x[i, start : start + count]
            head, tail = high[start : start + count], low[start : start + count]
            for j in range(count):
                d = logits[j] - top
                back = d - logits[j]
                lost = (logits[j] - (d - back)) - (top + back)
                inside = d > _LEAST_64
                d = d if inside else _LEAST_64
                sums[j] = d * per_step + _ROUND
                steps = sums[j] - _ROUND
                left[j] = ((d - steps * step_high) - steps * step_low) + (lost if inside else 0.0)
                head[j] = 1.0 if inside else 0.0
            for j in range(count):
                steps_64 = (bits[j] & _INTEGER) - (1 << 51)
                power = steps_64 >> 11
                scale_bits[j] = ((power if power > -1022 else -1022) + 1023) << 52
                first, second = table_high[steps_64 & 2047], table_low[steps_64 & 2047]
                r = left[j]
                expm1 = r + (r * r) * (0.5 + r * (1 / 6 + r * (1 / 24)))
                tail[j] = head[j] * ((first + second) * expm1 + second)
                head[j] *= first
            for j in range(count):
                head[j] *= scale[j]
                tail[j] *= scale[j]
                sums[j] = (head[j] + _GRID) - _GRID
                left[j] = (head[j] - sums[j]) + tail[j]
            more = _total(sums, count)
            before, total = total, total + more
            back = total - before
            rest += ((before - (total - back)) + (more - back)) + _total(left, count)
        whole = total + rest
        rest = (total - whole) + rest
        near = 1.0 / whole
        first = near * _SPLIT
        first = first - (first - near)
        leading = whole * _SPLIT
        leading = leading - (leading - whole)
        second = (((1.0 - first * leading) - first * (whole - leading)) - first * rest) * near
        both, small, results = first + second, 0, y[i]
        for j in range(n):
            results[j] = high[j] * first + (high[j] * second + low[j] * both)
            small += 1 if 0.0 < results[j] < _SMALL else 0
        tiny[i] = small
    return tiny


@njit(error_model="numpy", nogil=True)
def float32_rows(x, maxima, y):
    """Softmax of the rows of x, in float64 and rounded once, into y.

    exp is 2**k times the Taylor series of exp(r) up to r**11, |r| <= log(2) / 2: what is left out
    is below 2**-46 of it.
    """
    rows, n = x.shape
    e, sums, scale = np.empty(n), np.empty(_CHUNK), np.empty(_CHUNK)
    bits, scale_bits = sums.view(np.int64), scale.view(np.int64)
    for i in range(rows):
        top, total = np.float64(maxima[i]), 0.0
        for start in range(0, n, _CHUNK):
            count = min(_CHUNK, n - start)
            logits, part = x[i, start : start + count], e[start : start + count]
            for j in range(count):
                d = np.float64(logits[j]) - top
                d = d if d > _LEAST_32 else np.float64(_LEAST_32)
                sums[j] = d * 1.4426950408889634 + _ROUND
                r = d - (sums[j] - _ROUND) * 0.6931471805599453
                p = 1 / 39916800
                p = p * r + 1 / 3628800
                p = p * r + 1 / 362880
                p = p * r + 1 / 40320
                p = p * r + 1 / 5040
                p = p * r + 1 / 720
                p = p * r + 1 / 120
                p = p * r + 1 / 24
                p = p * r + 1 / 6
                p = p * r + 0.5
                p = p * r + 1.0
                part[j] = p * r + 1.0
            for j in range(count):
                scale_bits[j] = ((bits[j] & _INTEGER) - (1 << 51) + 1023) << 52
            for j in range(count):
                part[j] *= scale[j]
            total += _total(part, count)
        inverse, results = 1.0 / total, y[i]
        for j in range(n):
            results[j] = np.float32(e[j] * inverse)
