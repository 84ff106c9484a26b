"""Softmax of x / T: divided before and after the shift, and multiplied by 1 / T."""

import numpy as np

from softmax_implementations.max_shifted import max_shifted
from softmax_implementations.registry import LONGEST_SUM, floating, implementation


@implementation(
    "divided",
    operation="softmax_temperature",
    standard="native",
    largest_n=LONGEST_SUM,
    expected_findings=("axis in float16",),
)
def divided(x, temperature, axis=-1):
    """max-shifted of x / T: each quotient is rounded before the difference is taken."""
    with np.errstate(all="ignore"):
        return max_shifted(floating(x) / temperature, axis=axis)


@implementation(
    "shifted-first",
    operation="softmax_temperature",
    standard="native",
    bound="operation",
    largest_n=LONGEST_SUM,
    expected_findings=("axis in float16",),
)
def shifted_first(x, temperature, axis=-1):
    """exp((x - max x) / T) over its sum: the likeliest is exactly 0 before it is divided.

    That is the smallest logit where T is below 0.
    """
    x = floating(x)
    with np.errstate(all="ignore"):
        x = np.where(temperature < 0, -x, x)
        below = x - np.max(x, axis=axis, keepdims=True, initial=-np.inf)
        return max_shifted(below / np.abs(temperature), axis=axis)


@implementation(
    "multiplied",
    operation="softmax_temperature",
    standard="native",
    largest_n=LONGEST_SUM,
    expected_findings=("axis in float16",),
)
def multiplied(x, temperature, axis=-1):
    """max-shifted of x * (1 / T): 1 / T is rounded as well."""
    x = floating(x)
    with np.errstate(all="ignore"):
        return max_shifted(x * (x.dtype.type(1) / temperature), axis=axis)
