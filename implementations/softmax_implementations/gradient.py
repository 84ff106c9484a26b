"""The Jacobian of softmax times a vector: s * (v - sum(s * v))."""

import numpy as np

from softmax_implementations.max_shifted import max_shifted
from softmax_implementations.registry import LONGEST_SUM, floating, implementation


@implementation(
    "textbook",
    operation="gradient",
    standard="native",
    largest_n=LONGEST_SUM,
    expected_findings=("axis in float16",),
)
def textbook(x, v, axis=-1):
    """s * (v - sum(s * v)), as backpropagation does it."""
    s = max_shifted(x, axis=axis)
    with np.errstate(all="ignore"):
        return s * (v - np.sum(s * v, axis=axis, keepdims=True))


@implementation(
    "relative-to-largest",
    operation="gradient",
    standard="native",
    bound="operation",
    largest_n=LONGEST_SUM,
    expected_findings=("axis in float16",),
)
def relative_to_largest(x, v, axis=-1):
    """textbook after v is shifted by its value where s is above 1/2: the same result, less cancels.

    For such a dominant logit the result is minus the small sum of the others.
    """
    x = floating(x)
    s = max_shifted(x, axis=axis)
    with np.errstate(all="ignore"):
        if x.size == 0 or x.ndim == 0:
            return s * (v - v)
        top = np.expand_dims(np.argmax(np.where(np.isnan(x), -np.inf, x), axis=axis), axis)
        stands_out = np.take_along_axis(s, top, axis=axis) > 0.5
        w = v - np.where(stands_out, np.take_along_axis(v, top, axis=axis), s.dtype.type(0))
        return s * (w - np.sum(s * w, axis=axis, keepdims=True))
