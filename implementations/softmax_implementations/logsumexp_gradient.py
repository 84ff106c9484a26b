"""What passes back through logsumexp: softmax(x) times one number g a row, `g` of length 1."""

import numpy as np

from softmax_implementations.logsumexp import shifted as shifted_logsumexp
from softmax_implementations.max_shifted import max_shifted
from softmax_implementations.naive import naive as naive_softmax
from softmax_implementations.registry import LONGEST_SUM, floating, implementation


@implementation(
    "textbook",
    operation="logsumexp_gradient",
    standard="native",
    bound="operation",
    largest_n=LONGEST_SUM,
    expected_findings=("axis in float16",),
)
def textbook(x, g, axis=-1):
    """g * softmax(x), softmax with the maximum subtracted."""
    with np.errstate(all="ignore"):
        return g * max_shifted(x, axis=axis)


@implementation(
    "from-output",
    operation="logsumexp_gradient",
    standard="native",
    largest_n=LONGEST_SUM,
    expected_findings=(
        "axis in float16",
        "flushed_subnormal in float16",
        "inaccurate in float16 up to 2e7 ulp",
        "inaccurate in float32 up to 2e12 ulp",
        "inaccurate in float64 up to 1e21 ulp",
        "wrong_special",
    ),
)
def from_output(x, g, axis=-1):
    """g * exp(x - logsumexp(x)), as frameworks do: the rounding of a large logsumexp is in it."""
    x = floating(x)
    with np.errstate(all="ignore"):
        log = shifted_logsumexp(x, axis=axis)
        log = np.expand_dims(log, axis) if x.ndim else log
        return g * np.exp(x - log)


@implementation(
    "naive",
    operation="logsumexp_gradient",
    standard="native",
    expected_findings=(
        "axis in float16",
        "overflow",
        "denominator_underflow",
        "nan",
        "spurious_underflow",
        "flushed_subnormal",
        "wrong_special",
        "inaccurate in float16 up to 4e6 ulp",
        "inaccurate in float32 up to 2e10 ulp",
        "inaccurate in float64 up to 2e19 ulp",
    ),
)
def naive(x, g, axis=-1):
    """g * exp(x) / sum(exp(x))."""
    with np.errstate(all="ignore"):
        return g * naive_softmax(x, axis=axis)
