"""Blocks with a maximum each, as attention kernels work: the sum is rescaled between blocks."""

import numpy as np

from softmax_implementations.registry import LONGEST_SUM, floating, implementation
from softmax_implementations.rows import by_rows

BLOCK = 128
THRESHOLD = 8.0


@implementation("blocked", standard="native", largest_n=LONGEST_SUM)
def blocked(x, axis=-1):
    """Takes 128 logits at a time, and rescales the sum when some raise the maximum.

    As in FlashAttention: Dao et al., "FlashAttention: fast and memory-efficient exact attention
    with IO-awareness", arXiv:2205.14135 (2022), algorithm 1. The sum of a block is NumPy's, and
    the sums of blocks are added one after another: (n / 128 + 16) u, and as much again as 2 u for
    each rescaling.
    """
    return by_rows(floating(x), axis, lambda rows: blocked_rows(rows, BLOCK, 0.0))


@implementation(
    "blocked-lazy",
    standard="native",
    expected_findings=(
        "overflow in float16",
        "spurious_underflow in float16",
        "flushed_subnormal in float16",
    ),
    largest_n=LONGEST_SUM,
)
def blocked_lazy(x, axis=-1):
    """As `blocked`, but rescales the sum only when the maximum rises by more than 8.

    As FlashAttention-4 does it to spare rescalings. Exponentials then reach exp(8) = 2981 and their
    sum 2981 n: in float16 it is infinite from 22 such logits on, and every result is then 0.
    """
    return by_rows(floating(x), axis, lambda rows: blocked_rows(rows, BLOCK, THRESHOLD))


def blocked_rows(x, block, threshold):
    """Softmax of rows, shape (rows, n), in the type of x.

    Parameters
    ----------
    block : int
        Logits in a block.
    threshold : float
        By how much the maximum must rise for the sum to be rescaled.
    """
    shift = np.full((len(x), 1), -np.inf, x.dtype)
    total = np.zeros((len(x), 1), x.dtype)
    for start in range(0, x.shape[-1], block):
        part = x[:, start : start + block]
        highest = np.max(part, axis=-1, keepdims=True)
        raised = np.isnan(highest) | (highest > shift + x.dtype.type(threshold))
        moved = np.where(raised, np.maximum(shift, highest), shift)
        known = np.where(np.isneginf(moved), x.dtype.type(0), moved)
        total = total * np.where(raised, np.exp(shift - known), x.dtype.type(1))
        total = total + np.sum(np.exp(part - known), axis=-1, keepdims=True)
        shift = moved
    return np.exp(x - shift) / total
