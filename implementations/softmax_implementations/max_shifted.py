"""The maximum subtracted first, so that no exponential exceeds 1."""

import numpy as np

from softmax_implementations.registry import LONGEST_SUM, floating, implementation


@implementation(
    "max-shifted",
    bound="shifted",
    standard="native",
    largest_n=LONGEST_SUM,
    expected_findings=("axis in float16",),
)
def max_shifted(x, axis=-1):
    """Subtracts the largest logit, against overflow: exp(x - max x) / sum exp(x - max x).

    Maximum, difference, exponential, sum and division are NumPy's own in the type of x; the sum
    has the order and the accumulator described in `softmax_implementations.naive`.
    """
    x = floating(x)
    with np.errstate(all="ignore"):
        e = np.exp(x - np.max(x, axis=axis, keepdims=True, initial=-np.inf))
        return np.asanyarray(e / np.sum(e, axis=axis, keepdims=True))
