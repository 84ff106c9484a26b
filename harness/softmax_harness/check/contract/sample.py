"""The rows of large calls that are judged: the ends of each block of rows, and some of the others.

A large call is asked for what goes by places: a block of queries that is left out, a number that
too few bits count. This shows at the ends of blocks and in any few of the rows between.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from softmax_harness.operations import Inputs

_MOST_LOGITS = 1 << 13  # of rows that share operands; of more, not all are judged
_BLOCK = 64  # every size of a block that is in use is a multiple or a part
_OTHERS = 32


class Sample(NamedTuple):
    """Some of the rows of a call.

    Attributes
    ----------
    places : ndarray of int64
        Which they are, in order.
    of : int
        How many there are.
    """

    places: NDArray[np.int64]
    of: int


def sampled(blocks: Sequence[Inputs], seed: int) -> tuple[tuple[Inputs, ...], Sample | None]:
    """What is judged of blocks of rows, and which rows these are; None where all are."""
    lengths = [len(each.x) for each in blocks]
    chosen = [_chosen(each.x.shape, seed) for each in blocks]
    if all(len(own) == length for own, length in zip(chosen, lengths, strict=True)):
        return tuple(blocks), None
    starts = np.cumsum([0, *lengths[:-1]])
    places = np.concatenate([own + start for own, start in zip(chosen, starts, strict=True)])
    rows = tuple(each.rows(own) for each, own in zip(blocks, chosen, strict=True))
    return rows, Sample(places, sum(lengths))


def _chosen(shape: tuple[int, ...], seed: int) -> NDArray[np.int64]:
    rows, n = shape
    every = np.arange(rows)
    if rows * n <= _MOST_LOGITS:
        return every
    is_end = (every % _BLOCK == 0) | (every % _BLOCK == _BLOCK - 1) | (every == rows - 1)
    others = np.random.default_rng([seed, rows, n]).integers(rows, size=_OTHERS)
    return np.union1d(every[is_end], others)
