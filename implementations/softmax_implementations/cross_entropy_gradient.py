"""The gradient of the loss by the logits, softmax(x) - [i = target], with one class a row."""

import numpy as np

from softmax_implementations.max_shifted import max_shifted
from softmax_implementations.registry import (
    LONGEST_SUM,
    floating,
    implementation,
)


@implementation(
    "s-minus-1",
    operation="cross_entropy_gradient",
    standard="native",
    largest_n=LONGEST_SUM,
    expected_findings=("axis in float16",),
)
def s_minus_1(x, target, axis=-1):
    """softmax(x), minus 1 at the true class: near saturation the difference loses all digits."""
    y = max_shifted(x, axis=axis)
    if y.ndim == 0:
        return y - y
    place = np.expand_dims(target, axis)
    with np.errstate(all="ignore"):
        own = np.take_along_axis(y, place, axis=axis) - y.dtype.type(1)
    np.put_along_axis(y, place, own, axis=axis)
    return y


@implementation(
    "sum-of-others",
    operation="cross_entropy_gradient",
    standard="native",
    bound="operation",
    largest_n=LONGEST_SUM,
    expected_findings=("axis in float16",),
)
def minus_sum_of_others(x, target, axis=-1):
    """softmax(x); at the true class -(sum of the others) / (sum of all): nothing cancels."""
    x = floating(x)
    if x.ndim == 0:
        return x - x
    place = np.expand_dims(target, axis)
    with np.errstate(all="ignore"):
        e = np.exp(x - np.max(x, axis=axis, keepdims=True))
        total = np.sum(e, axis=axis, keepdims=True)
        y = np.asanyarray(e / total)
        np.put_along_axis(e, place, np.zeros((), e.dtype), axis=axis)
        others = np.sum(e, axis=axis, keepdims=True)
        lost = np.isnan(total)
        np.put_along_axis(y, place, np.where(lost, total, -(others / total)), axis=axis)
    return y
