"""softmax(q K' / sqrt d) V with a mask of what is seen; every step in the type of q.

q has the shape (..., L, d), k (..., S, d), v (..., S, m), the mask (..., L, S).
"""

import numpy as np

from softmax_implementations.max_shifted import max_shifted
from softmax_implementations.naive import naive as naive_softmax
from softmax_implementations.registry import LONGEST_SUM, implementation


def scores(q, k, mask):
    """q K' / sqrt d, -inf where nothing is seen."""
    with np.errstate(all="ignore"):
        raw = np.matmul(q, np.swapaxes(k, -1, -2)) / q.dtype.type(np.sqrt(q.shape[-1]))
    return np.where(mask, raw, q.dtype.type(-np.inf))


def attended(softmax, q, k, v, mask):
    """The values weighted by any softmax of the scores."""
    with np.errstate(all="ignore"):
        return np.matmul(softmax(scores(q, k, mask)), v)


@implementation(
    "naive",
    operation="attention",
    standard="native",
    expected_findings=(
        "overflow",
        "denominator_underflow",
        "nan",
        "inaccurate in float16 up to 2e7 ulp",
        "inaccurate in float32 up to 3e11 ulp",
        "inaccurate in float64 up to 3e19 ulp",
        "spurious_underflow",
    ),
)
def naive(q, k, v, mask):
    """Attention with exp(x) / sum exp(x)."""
    return attended(naive_softmax, q, k, v, mask)


@implementation(
    "shifted",
    operation="attention",
    standard="native",
    bound="operation",
    largest_n=LONGEST_SUM,
    expected_findings=("overflow", "denominator_underflow"),
)
def shifted(q, k, v, mask):
    """Attention with the maximum subtracted; a score that overflows is lost before the softmax."""
    return attended(max_shifted, q, k, v, mask)


@implementation(
    "online",
    operation="attention",
    standard="native",
    largest_n=LONGEST_SUM,
    expected_findings=("overflow", "denominator_underflow"),
)
def online(q, k, v, mask, block=16):
    """Attention in one pass over blocks of keys, rescaled when the running maximum moves.

    Milakov & Gimelshein, "Online normalizer calculation for softmax", 2018; Dao et al.,
    "FlashAttention", 2022. A row that sees nothing is NaN.
    """
    x = scores(q, k, mask)
    top = np.full((*x.shape[:-1], 1), -np.inf, x.dtype)
    total = np.zeros_like(top)
    y = np.zeros((*x.shape[:-1], v.shape[-1]), x.dtype)
    with np.errstate(all="ignore"):
        for start in range(0, x.shape[-1], block):
            part = x[..., start : start + block]
            highest = np.maximum(top, part.max(axis=-1, keepdims=True))
            shift = np.where(np.isneginf(highest), 0, highest)  # -inf - -inf is no number
            kept, e = np.exp(top - shift), np.exp(part - shift)
            total = total * kept + e.sum(axis=-1, keepdims=True)
            y = y * kept + np.matmul(e, v[..., start : start + block, :])
            top = highest
        return y / total
