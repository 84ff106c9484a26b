"""The logarithm subtracted after the maximum: exp((x - a) - log s)."""

import numpy as np

from softmax_implementations.registry import LONGEST_SUM, floating, implementation


@implementation(
    "shifted-log-sum-exp",
    bound="shifted-log-sum-exp",
    standard="native",
    expected_findings=(
        "axis in float16",
        "inaccurate in float32 up to 500 ulp",
        "inaccurate in float64 up to 3000 ulp",
    ),
    largest_n=LONGEST_SUM,
)
def shifted_log_sum_exp(x, axis=-1):
    """exp((x - a) - log s) with a = max x and s = sum exp(x - a).

    The maximum is never added back, so its size costs nothing; but the exponent is rounded twice,
    which far from the maximum doubles the error bound of `max-shifted`. The sum has the order and
    the accumulator described in `softmax_implementations.naive`.
    """
    x = floating(x)
    with np.errstate(all="ignore"):
        shifted = x - np.max(x, axis=axis, keepdims=True, initial=-np.inf)
        s = np.sum(np.exp(shifted), axis=axis, keepdims=True)
        return np.asarray(np.exp(shifted - np.log(s)))
