"""Whether the order of the logits survives."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from softmax_harness.metrics.batch import Array, Batch


def argmax_flips(batch: Batch) -> Array:
    """1 where the first largest output does not stand at a largest logit, shape (rows,).

    A row is judged where all its outputs are numbers, NaN elsewhere.
    """
    rows = np.arange(len(batch.y))
    judged = np.asarray(~np.isnan(batch.y).any(axis=-1) & ~np.isnan(batch.x).any(axis=-1))
    chosen = np.argmax(np.where(judged[:, None], batch.y, 0.0), axis=-1)
    flipped = batch.x[rows, chosen] < batch.x.max(axis=-1)
    return np.where(judged, flipped.astype(float), np.nan)


def order_inversions(batch: Batch) -> Array:
    """Number of pairs with x_i > x_j but y_i < y_j, NaN entries left out, shape (rows,)."""
    counts = np.zeros(len(batch.y))
    order = np.argsort(batch.x, axis=-1)
    sorted_ = np.take_along_axis(batch.y, order, axis=-1)
    # A row that ascends has none; one that does not may only have ties or NaN, and is looked at.
    suspects = ~(sorted_[:, 1:] >= sorted_[:, :-1]).all(axis=-1)
    for row in np.flatnonzero(suspects):
        counts[row] = _row_inversions(batch.x[row], batch.y[row])
    return counts


def _row_inversions(x: Array, y: Array) -> int:
    numbers = ~(np.isnan(x) | np.isnan(y))
    x, y = x[numbers], y[numbers]
    in_order = y[np.lexsort((y, x))]
    if (in_order[1:] >= in_order[:-1]).all():
        return 0
    _, rank = np.unique(in_order, return_inverse=True)
    return count_inversions(rank)


def count_inversions(rank: NDArray[np.int64]) -> int:
    """Pairs i < j with rank[i] > rank[j], in O(n log n).

    Bit by bit from the highest: among entries that agree in all higher bits, a pair is inverted
    at this bit if a 1 stands before a 0. The entries are kept stably sorted by the higher bits.
    """
    count = 0
    for bit in reversed(range(int(rank.max(initial=0)).bit_length())):
        ones = rank >> bit & 1
        group = rank >> (bit + 1)
        before = np.cumsum(ones) - ones
        first = np.searchsorted(group, group)
        count += int(((before - before[first]) * (1 - ones)).sum())
        rank = rank[np.argsort(rank >> bit, kind="stable")]
    return count
