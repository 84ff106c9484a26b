"""Division replaced by a subtraction in the exponent: exp(x - lse)."""

import numpy as np

from softmax_implementations.registry import LONGEST_SUM, floating, implementation


@implementation(
    "log-sum-exp",
    bound="log-sum-exp",
    standard="native",
    expected_findings=(
        "axis in float16",
        "inaccurate in float16 up to 2e7 ulp",
        "inaccurate in float32 up to 2e12 ulp",
        "inaccurate in float64 up to 1e21 ulp",
    ),
    largest_n=LONGEST_SUM,
)
def log_sum_exp(x, axis=-1):
    """By way of the logarithm: exp(x - lse) with lse = a + log sum exp(x - a), a = max x.

    Rounding a + log s to the type of x costs half an ulp of a, which exp turns into a relative
    error: at large offsets it is the worst of the forms that do not overflow. The sum has the
    order and the accumulator described in `softmax_implementations.naive`.
    """
    x = floating(x)
    with np.errstate(all="ignore"):
        a = np.max(x, axis=axis, keepdims=True, initial=-np.inf)
        lse = a + np.log(np.sum(np.exp(x - a), axis=axis, keepdims=True))
        return np.asanyarray(np.exp(x - lse))
