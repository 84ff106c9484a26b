"""No maximum: exponentials as pairs of a significand and an exponent that cannot overflow."""

import math

import numpy as np

from softmax_implementations.registry import floating, implementation
from softmax_implementations.rows import by_rows

_LOG2 = {"float16": 5, "float32": 12, "float64": 32}  # leading bits of log 2 in its first part


@implementation(
    "two-pass",
    standard="native",
    expected_findings=(
        "overflow",
        "nan",
        "denominator_underflow",
        "spurious_underflow",
        "flushed_subnormal",
        "wrong_special",
        "inaccurate in float16 up to 1e6 ulp",
        "inaccurate in float32 up to 8e24 ulp",
        "inaccurate in float64 up to 1e153 ulp",
    ),
)
def two_pass(x, axis=-1):
    """Subtracts no maximum: holds each exp(x) as m 2**k, and sums such pairs.

    Dukhan & Ablavatski, "The two-pass softmax algorithm", arXiv:2001.04438 (2020). k is the integer
    nearest to x / log 2, in the type of x, and m = exp(x - k log 2), with log 2 in two parts. A sum
    takes the larger exponent of its terms. Nothing is subtracted from x, so that the distance from
    the maximum costs nothing, but the reduction of a large x does: k log 2 loses digits in
    proportion to x, and from about 2**12 on in float16, 2**23 in float32 and 2**31 in float64
    nothing is left.
    """
    return by_rows(floating(x), axis, _of_rows)


def _of_rows(x):
    m, k = _pairs(x)
    top = np.max(k, axis=-1, keepdims=True)
    total = np.sum(_scaled(m, k - top), axis=-1, keepdims=True)
    return _scaled(m / total, k - top)


def _pairs(x):
    """Significands in the type of x, and exponents; 0 and the least exponent of -inf."""
    kind = x.dtype.type
    first = kind(_leading(math.log(2), _LOG2[x.dtype.name]))
    second = kind(math.log(2) - float(first))
    finite = np.where(np.isneginf(x), kind(0), x)
    k = np.rint(finite * kind(1 / math.log(2)))
    m = np.exp((finite - k * first) - k * second)
    m[np.isneginf(x)] = 0
    k[np.isneginf(x)] = -np.inf
    return np.where(np.isposinf(x), kind(np.nan), m), k


def _leading(value, bits):
    significand, exponent = math.frexp(value)
    return math.ldexp(round(math.ldexp(significand, bits)), exponent - bits)


def _scaled(m, k):
    """m 2**k; NaN stays."""
    least = -4 * np.finfo(m.dtype).maxexp
    whole = np.where(np.isnan(k), 0, np.maximum(k, least))
    return np.where(np.isnan(k), m.dtype.type(np.nan), np.ldexp(m, whole.astype(np.int32)))
