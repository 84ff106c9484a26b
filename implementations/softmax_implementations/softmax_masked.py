"""Softmax of what a mask keeps: -inf for the rest, or a large number, as in many models."""

import numpy as np

from softmax_implementations.max_shifted import max_shifted
from softmax_implementations.registry import LONGEST_SUM, floating, implementation


@implementation(
    "minus-infinity",
    operation="softmax_masked",
    standard="native",
    bound="operation",
    largest_n=LONGEST_SUM,
    expected_findings=("axis in float16",),
)
def minus_infinity(x, mask, axis=-1):
    """max-shifted with -inf where the mask is False: exactly 0; NaN if a whole row is False."""
    x = floating(x)
    return max_shifted(np.where(mask, x, x.dtype.type(-np.inf)), axis=axis)


@implementation(
    "minus-1e4",
    operation="softmax_masked",
    standard="native",
    expected_findings=(
        "axis in float16",
        "wrong_special",
        "spurious_underflow",
        "nan",
        "inaccurate in float32 up to 7e7 ulp",
        "inaccurate in float64 up to 4e16 ulp",
        "overflow",
    ),
)
def minus_1e4(x, mask, axis=-1):
    """max-shifted of x - 1e4 where the mask is False: entries leak if logits are that large."""
    x = floating(x)
    with np.errstate(all="ignore"):
        return max_shifted(x - np.where(mask, 0, 1e4).astype(x.dtype), axis=axis)
