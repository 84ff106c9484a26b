"""log sum exp(x): as it is written, shifted by the maximum, and by log1p of the others."""

import numpy as np

from softmax_implementations.registry import (
    LONGEST_SUM,
    floating,
    implementation,
    sum_of_others,
)


@implementation(
    "naive",
    operation="logsumexp",
    standard="native",
    expected_findings=(
        "axis in float16",
        "overflow",
        "inaccurate in float16 up to 2e3 ulp",
        "inaccurate in float32 up to 2e6 ulp",
        "inaccurate in float64 up to 2e14 ulp",
        "spurious_underflow",
        "flushed_subnormal",
        "denominator_underflow",
    ),
)
def naive(x, axis=-1):
    """log(sum exp(x)): infinite if exp or the sum overflows, -inf if every exp underflows."""
    with np.errstate(all="ignore"):
        return np.log(np.sum(np.exp(floating(x)), axis=axis))


@implementation(
    "shifted",
    operation="logsumexp",
    standard="native",
    largest_n=LONGEST_SUM,
    expected_findings=("axis in float16",),
)
def shifted(x, axis=-1):
    """max x + log sum exp(x - max x)."""
    x = floating(x)
    with np.errstate(all="ignore"):
        top = np.max(x, axis=axis, keepdims=True, initial=-np.inf)
        log = np.log(np.sum(np.exp(x - np.where(np.isfinite(top), top, 0)), axis=axis))
        top = np.squeeze(top, axis if x.ndim else None)
        return np.where(np.isfinite(top), top + log, log).astype(x.dtype)


@implementation(
    "log1p",
    operation="logsumexp",
    standard="native",
    bound="operation",
    largest_n=LONGEST_SUM,
    expected_findings=("axis in float16",),
)
def by_log1p(x, axis=-1):
    """max x + log1p(the sum of the others): terms far below the largest count too."""
    x = floating(x)
    with np.errstate(all="ignore"):
        top = np.max(x, axis=axis, keepdims=True, initial=-np.inf)
        others = sum_of_others(np.exp(x - np.where(np.isfinite(top), top, 0)), axis)
        y = np.where(np.isfinite(top), top + np.log1p(others), top)
        y = np.squeeze(y, axis if x.ndim else None)
        return y.astype(x.dtype)


@implementation(
    "scipy",
    operation="logsumexp",
    standard="native",
    library="scipy",
    expected_findings=("axis in float16", "overflow in float16"),
)
def scipy_logsumexp(x, axis=-1):
    """scipy.special.logsumexp."""
    from scipy.special import logsumexp

    with np.errstate(all="ignore"):
        return np.asarray(logsumexp(x, axis=axis))
