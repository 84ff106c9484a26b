"""max-shifted with steps that hardware does faster: powers of 2, and one division for each row."""

import math

import numpy as np

from softmax_implementations.registry import LONGEST_SUM, floating, implementation


@implementation(
    "powers-of-2",
    standard="native",
    largest_n=LONGEST_SUM,
    expected_findings=(
        "axis in float16",
        "inaccurate in float16 up to 60 ulp",
        "inaccurate in float32 up to 500 ulp",
        "inaccurate in float64 up to 3000 ulp",
    ),
)
def powers_of_2(x, axis=-1):
    """2**(c (x - max x)) over its sum, c = log2 e, as kernels for graphics processors work.

    The product rounds the exponent once more than `max-shifted` does, and c itself is rounded:
    about three times its error far from the maximum.
    """
    x = floating(x)
    with np.errstate(all="ignore"):
        shifted = x - np.max(x, axis=axis, keepdims=True, initial=-np.inf)
        e = np.exp2(shifted * x.dtype.type(1 / math.log(2)))
        return np.asanyarray(e / np.sum(e, axis=axis, keepdims=True))


@implementation(
    "reciprocal",
    standard="native",
    largest_n=LONGEST_SUM,
    expected_findings=("axis in float16",),
)
def reciprocal(x, axis=-1):
    """exp(x - max x) times 1 / sum: one division for each row.

    Rounding 1 / sum and the product costs half an ulp more than the division that it replaces.
    """
    x = floating(x)
    with np.errstate(all="ignore"):
        e = np.exp(x - np.max(x, axis=axis, keepdims=True, initial=-np.inf))
        total = np.sum(e, axis=axis, keepdims=True)
        return np.asanyarray(e * (x.dtype.type(1) / total))
