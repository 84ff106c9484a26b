"""log of a sum of exponentials with weights of either sign; NaN where the sum is below 0."""

import numpy as np

from softmax_implementations.registry import LONGEST_SUM, floating, implementation


@implementation(
    "naive",
    operation="logsumexp_weighted",
    standard="native",
    expected_findings=(
        "overflow",
        "denominator_underflow",
        "nan",
        "spurious_underflow",
        "flushed_subnormal",
        "wrong_special",
        "inaccurate in float16 up to 2e3 ulp",
        "inaccurate in float32 up to 2e8 ulp",
        "inaccurate in float64 up to 3e15 ulp",
    ),
)
def naive(x, b, axis=-1):
    """log(sum(b * exp(x))): infinite if exp overflows, -inf if every exp underflows."""
    with np.errstate(all="ignore"):
        return np.log(np.sum(b * np.exp(floating(x)), axis=axis))


@implementation(
    "shifted",
    operation="logsumexp_weighted",
    standard="native",
    bound="operation",
    largest_n=LONGEST_SUM,
    expected_findings=("axis in float16",),
)
def shifted(x, b, axis=-1):
    """max x + log sum(b * exp(x - max x)), over what has a weight other than 0."""
    x = floating(x)
    with np.errstate(all="ignore"):
        x = np.where(b == 0, x.dtype.type(-np.inf), x)
        top = np.max(x, axis=axis, keepdims=True, initial=-np.inf)
        e = np.exp(x - np.where(np.isfinite(top), top, 0))
        e = np.where(top == np.inf, np.where(x == np.inf, x, 0), e)  # beside it nothing counts
        log = np.log(np.sum(np.where(e == 0, 0, b * e), axis=axis))
        top = np.squeeze(top, axis if x.ndim else None)
        return np.where(np.isfinite(top), top + log, log).astype(x.dtype)


@implementation(
    "scipy",
    operation="logsumexp_weighted",
    standard="native",
    library="scipy",
    # Where the largest logit has a weight that is tiny beside the others.
    expected_findings=(
        "wrong_special",
        "overflow",
        "denominator_underflow",
        "nan",
        "inaccurate in float32 up to 3e3 ulp",
        "inaccurate in float64 up to 5e4 ulp",
    ),
)
def scipy_logsumexp(x, b, axis=-1):
    """scipy.special.logsumexp with b; -inf, not NaN, where a sum of low logits is below 0."""
    from scipy.special import logsumexp

    with np.errstate(all="ignore"):
        return np.asarray(logsumexp(x, axis=axis, b=b))
