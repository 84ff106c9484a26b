"""What passes back through log_softmax: v - softmax(x) * sum(v)."""

import numpy as np

from softmax_implementations.log_softmax import shifted
from softmax_implementations.max_shifted import max_shifted
from softmax_implementations.registry import LONGEST_SUM, floating, implementation


def _passed(s, v, axis):
    total = np.sum(v, axis=axis if v.ndim else None, keepdims=True)
    return v - s * np.reshape(total, s.shape) if not s.ndim else v - s * total


@implementation(
    "textbook",
    operation="log_softmax_gradient",
    standard="native",
    bound="operation",
    largest_n=LONGEST_SUM,
    expected_findings=("axis in float16",),
)
def textbook(x, v, axis=-1):
    """v - softmax(x) * sum(v), softmax with the maximum subtracted."""
    x = floating(x)
    with np.errstate(all="ignore"):
        return _passed(max_shifted(x, axis=axis), np.asarray(v, x.dtype), axis)


@implementation(
    "from-output",
    operation="log_softmax_gradient",
    standard="native",
    largest_n=LONGEST_SUM,
    expected_findings=("axis in float16",),
)
def from_output(x, v, axis=-1):
    """v - exp(log_softmax(x)) * sum(v), as frameworks do, which have kept the result itself."""
    x = floating(x)
    with np.errstate(all="ignore"):
        return _passed(np.exp(shifted(x, axis=axis)), np.asarray(v, x.dtype), axis)


@implementation(
    "naive",
    operation="log_softmax_gradient",
    standard="native",
    expected_findings=(
        "axis in float16",
        "overflow",
        "denominator_underflow",
        "nan",
        "spurious_underflow",
        "flushed_subnormal",
        "wrong_special",
        "inaccurate in float16 up to 2e7 ulp",
        "inaccurate in float32 up to 2e11 ulp",
        "inaccurate in float64 up to 1e30 ulp",
    ),
)
def naive(x, v, axis=-1):
    """v - exp(x) / sum(exp(x)) * sum(v): NaN if exp overflows or every exp underflows."""
    x = floating(x)
    with np.errstate(all="ignore"):
        e = np.exp(x)
        return _passed(e / np.sum(e, axis=axis, keepdims=True), np.asarray(v, x.dtype), axis)
