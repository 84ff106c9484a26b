"""Attention with a sink: one logit more for each query, which takes weight and has no value.

q has the shape (..., L, d), k (..., S, d), v (..., S, m), the mask (..., L, S), the sink
(..., L, 1).
"""

import numpy as np

from softmax_implementations.attention import scores
from softmax_implementations.max_shifted import max_shifted
from softmax_implementations.registry import LONGEST_SUM, implementation

_OVERFLOWS = ("overflow", "denominator_underflow")


@implementation(
    "concatenated",
    operation="attention_sink",
    standard="native",
    bound="operation",
    largest_n=LONGEST_SUM,
    expected_findings=_OVERFLOWS,
)
def concatenated(q, k, v, mask, sink):
    """Softmax of the scores with the sink beside them, whose weight is then dropped (gpt-oss)."""
    with np.errstate(all="ignore"):
        beside = np.concatenate([scores(q, k, mask), sink], axis=-1)
        return np.matmul(max_shifted(beside, axis=-1)[..., :-1], v)


@implementation(
    "in-denominator",
    operation="attention_sink",
    standard="native",
    largest_n=LONGEST_SUM,
    expected_findings=_OVERFLOWS,
)
def in_denominator(q, k, v, mask, sink):
    """exp(sink - max) is added to the sum of the others, the maximum taken with the sink."""
    with np.errstate(all="ignore"):
        x = scores(q, k, mask)
        top = np.maximum(x.max(axis=-1, keepdims=True, initial=-np.inf), sink)
        e = np.exp(x - top)
        return np.matmul(e / (e.sum(axis=-1, keepdims=True) + np.exp(sink - top)), v)


@implementation(
    "naive",
    operation="attention_sink",
    standard="native",
    expected_findings=(
        "overflow",
        "denominator_underflow",
        "nan",
        "spurious_underflow",
        "flushed_subnormal",
        "wrong_special",
        "inaccurate in float16 up to 2e7 ulp",
        "inaccurate in float32 up to 3e11 ulp",
        "inaccurate in float64 up to 3e19 ulp",
    ),
)
def naive(q, k, v, mask, sink):
    """exp of the scores as they are over their sum and exp(sink)."""
    with np.errstate(all="ignore"):
        e = np.exp(scores(q, k, mask))
        return np.matmul(e / (e.sum(axis=-1, keepdims=True) + np.exp(sink)), v)
