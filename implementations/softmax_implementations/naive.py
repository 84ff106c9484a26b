"""The definition, taken literally: exp(x) / sum(exp(x))."""

import numpy as np

from softmax_implementations.registry import floating, implementation


@implementation(
    "naive",
    bound="naive",
    standard="native",
    expected_findings=(
        "axis in float16",
        "overflow",
        "denominator_underflow",
        "spurious_underflow",
        "flushed_subnormal",
        "inaccurate in float16 up to 3e5 ulp",
        "inaccurate in float32 up to 2e9 ulp",
        "inaccurate in float64 up to 1e18 ulp",
        "wrong_special",
    ),
)
def naive(x, axis=-1):
    """The definition as it stands, exp(x) / sum exp(x): overflows where exp or the sum does.

    Where every exp(x) is subnormal or 0, what is left of the row is inaccurate, 0 or NaN, a row of
    a single number too.

    The sum is `numpy.sum` in the type of x: along the contiguous axis pairwise over blocks of
    128 in eight interleaved parts (float16 accumulated in float32 and rounded once), along any
    other axis one addition after another in the type itself.
    """
    with np.errstate(all="ignore"):
        e = np.exp(floating(x))
        return np.asanyarray(e / np.sum(e, axis=axis, keepdims=True))
