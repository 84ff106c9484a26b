"""Softmax of rows that lie one after another, compiled by Triton."""

import triton
import triton.language as tl


@triton.jit
def fused(x, y, n, block: tl.constexpr):
    """A row in one block, which is read and written once."""
    start = tl.program_id(0).to(tl.int64) * n
    at = tl.arange(0, block)
    row = tl.load(x + start + at, mask=at < n, other=-float("inf"))
    if row.dtype != tl.float64:
        row = row.to(tl.float32)
    e = tl.exp(row - tl.max(row, axis=0))
    tl.store(y + start + at, e / tl.sum(e, axis=0), mask=at < n)


@triton.jit
def _finite(top):
    """The maximum, or 0 where all logits so far are masked: their exponentials are then 0."""
    return tl.where(top == -float("inf"), 0.0, top)


@triton.jit
def online(x, y, n, block: tl.constexpr):
    """A row in blocks, which are read twice: for the maximum and the sum, and for the results."""
    start = tl.program_id(0).to(tl.int64) * n
    at = tl.arange(0, block)
    row = tl.load(x + start + at, mask=at < n, other=-float("inf"))
    if row.dtype != tl.float64:
        row = row.to(tl.float32)
    top = tl.max(row, axis=0)
    total = tl.sum(tl.exp(row - _finite(top)), axis=0)
    for first in range(block, n, block):
        part = tl.load(x + start + first + at, mask=first + at < n, other=-float("inf"))
        logits = part.to(top.dtype)
        highest = tl.maximum(top, tl.max(logits, axis=0))
        shift = _finite(highest)
        total = total * tl.exp(top - shift) + tl.sum(tl.exp(logits - shift), axis=0)
        top = highest
    for first in range(0, n, block):
        again = tl.load(x + start + first + at, mask=first + at < n, other=-float("inf"))
        e = tl.exp(again.to(top.dtype) - top)
        tl.store(y + start + first + at, e / total, mask=first + at < n)
