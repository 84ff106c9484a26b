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
def online(x, y, n, block: tl.constexpr):
    """A row in blocks, which are read twice: for the maximum and the sum, and for the results."""
    start = tl.program_id(0).to(tl.int64) * n
    at = tl.arange(0, block)
    row = tl.load(x + start + at, mask=at < n, other=-float("inf"))
    if row.dtype != tl.float64:
        row = row.to(tl.float32)
    top = tl.max(row, axis=0)
    total = tl.sum(tl.exp(row - top), axis=0)
    for first in range(block, n, block):
        part = tl.load(x + start + first + at, mask=first + at < n, other=-float("inf"))
        logits = part.to(top.dtype)
        highest = tl.maximum(top, tl.max(logits, axis=0))
        total = total * tl.exp(top - highest) + tl.sum(tl.exp(logits - highest), axis=0)
        top = highest
    for first in range(0, n, block):
        again = tl.load(x + start + first + at, mask=first + at < n, other=-float("inf"))
        e = tl.exp(again.to(top.dtype) - top)
        tl.store(y + start + first + at, e / total, mask=first + at < n)
