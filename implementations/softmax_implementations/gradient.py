"""The Jacobian of softmax times a vector: s * (v - sum(s * v))."""

import numpy as np

from softmax_implementations.max_shifted import max_shifted
from softmax_implementations.registry import floating, implementation


@implementation("textbook", operation="gradient")
def textbook(x, v, axis=-1):
    """s * (v - sum(s * v)), as backpropagation does it."""
    s = max_shifted(x, axis=axis)
    with np.errstate(all="ignore"):
        return s * (v - np.sum(s * v, axis=axis, keepdims=True))


@implementation("relative-to-largest", operation="gradient", bound="owed")
def relative_to_largest(x, v, axis=-1):
    """The same with v less its value at the largest logit, which changes nothing but cancels less.

    Where one logit stands out, its own result is minus the small sum of the others.
    """
    x = floating(x)
    s = max_shifted(x, axis=axis)
    with np.errstate(all="ignore"):
        top = np.expand_dims(np.argmax(np.where(np.isnan(x), -np.inf, x), axis=axis), axis)
        w = v - np.take_along_axis(v, top, axis=axis)
        return s * (w - np.sum(s * w, axis=axis, keepdims=True))
