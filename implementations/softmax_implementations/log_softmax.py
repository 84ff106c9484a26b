"""The logarithm of softmax: log of softmax, from shifted logits, and with rounding errors kept."""

import numpy as np

from softmax_implementations.max_shifted import max_shifted
from softmax_implementations.registry import (
    FLOAT8_DTYPES,
    LIBRARY_DTYPES,
    LONGEST_SUM,
    floating,
    implementation,
    sum_of_others,
    two_differences,
)


@implementation(
    "log-of-softmax",
    operation="log_softmax",
    standard="native",
    expected_findings=(
        "axis in float16",
        "inaccurate in float16 up to 5e2 ulp",
        "inaccurate in float32 up to 9e5 ulp",
        "inaccurate in float64 up to 4e13 ulp",
        "spurious_underflow",
        "flushed_subnormal",
        "nan",
        "overflow",
        "denominator_underflow",
    ),
)
def log_of_softmax(x, axis=-1):
    """log(softmax(x)): -inf wherever the softmax underflows, 0 wherever it rounds to 1."""
    with np.errstate(all="ignore"):
        return np.log(max_shifted(x, axis=axis))


@implementation(
    "shifted",
    operation="log_softmax",
    standard="native",
    largest_n=LONGEST_SUM,
    expected_findings=("axis in float16",),
)
def shifted(x, axis=-1):
    """(x - max x) - log sum exp(x - max x): nothing underflows, but log(1 + d) is 0 for d < u."""
    x = floating(x)
    with np.errstate(all="ignore"):
        below = x - np.max(x, axis=axis, keepdims=True, initial=-np.inf)
        return below - np.log(np.sum(np.exp(below), axis=axis, keepdims=True))


@implementation(
    "compensated",
    operation="log_softmax",
    standard="native",
    bound="operation",
    largest_n=LONGEST_SUM,
    expected_findings=("axis in float16",),
)
def compensated(x, axis=-1):
    """shifted, with log1p of the sum of the others, and both differences' rounding errors kept."""
    x = floating(x)
    with np.errstate(all="ignore"):
        top = np.max(x, axis=axis, keepdims=True, initial=-np.inf)
        below, lost = two_differences(x, top)
        log = np.log1p(sum_of_others(np.exp(below), axis))
        y, lost_again = two_differences(below, log)
        correction = lost + lost_again
        return np.where(np.isfinite(correction), y + correction, y)


@implementation(
    "scipy",
    operation="log_softmax",
    dtypes=(*FLOAT8_DTYPES, *LIBRARY_DTYPES),
    standard="native",
    library="scipy",
    capabilities=("integers", "scalar", "subnormals", "axes"),
    expected_findings=(
        "axis in float16",
        "overflow in float16",
        "overflow in float8_e4m3fn",
        "wrong_special",
        "inaccurate in float8_e4m3fn up to 14 ulp",
        "inaccurate in float8_e5m2 up to 7 ulp",
        "inaccurate in bfloat16 up to 3e2 ulp",
        "spurious_underflow in float8_e4m3fn",
        "spurious_underflow in float8_e5m2",
        "spurious_underflow in bfloat16",
        "flushed_subnormal in float8_e4m3fn",
        "flushed_subnormal in float8_e5m2",
    ),
)
def scipy_log_softmax(x, axis=-1):
    """scipy.special.log_softmax; in a row with a +inf it gives -inf, where NaN is right.

    It raises on rows of no elements. In float16 it holds the sum in float16, in which that of 65520
    or more equal logits overflows. In bfloat16 a sum sticks at 256; in float8_e4m3fn, that has no
    infinities, x - max x below -448 is NaN.
    """
    from scipy.special import log_softmax

    with np.errstate(all="ignore"):
        return log_softmax(x, axis=axis)
