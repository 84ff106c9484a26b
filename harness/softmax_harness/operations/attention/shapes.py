"""Attention in the shapes that people use, as rows of the operation, and such calls from a seed.

A call has q (..., L, d), k (..., S, d), v (..., S, c), whose leading axes (batch, heads) broadcast,
and a mask that broadcasts to (..., L, S) or none. The operation has rows: one query each, with keys
of its own. All queries of one batch and head are a block of rows that share keys, as views.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import starmap
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.errors import BadData
from softmax_harness.operations.attention.slices import times
from softmax_harness.operations.enclosure import Array
from softmax_harness.operations.operand import Inputs, Operands, joined, own_rows

CAUSAL = ("upper-left", "lower-right")
"""Which keys query i of L sees among S: up to i, as torch has it; up to i + S - L, as
flash-attention from 2.1 on, where the last query sees all."""


_TOGETHER = 1 << 17
"""Numbers whose copies cost less than to judge each head of a call alone."""


@dataclass(frozen=True)
class Call:
    """Arguments of one call.

    Attributes
    ----------
    q, k, v : ndarray, shapes (..., L, d), (..., S, d) and (..., S, c)
    mask : ndarray of bool or None
        Broadcasts to (..., L, S); True for what is seen.
    causal : str
        One of `CAUSAL`, or empty.
    """

    q: NDArray[Any]
    k: NDArray[Any]
    v: NDArray[Any]
    mask: NDArray[np.bool_] | None = None
    causal: str = ""

    def __post_init__(self) -> None:
        _check(self)

    @property
    def leading(self) -> tuple[int, ...]:
        """The axes before the queries: batch, heads or none."""
        masks = () if self.mask is None else (self.mask.shape[:-2],)
        shapes = [each.shape[:-2] for each in (self.q, self.k, self.v)]
        return np.broadcast_shapes(*shapes, *masks)

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the results: (..., L, c)."""
        return (*self.leading, self.q.shape[-2], self.v.shape[-1])

    @property
    def seen(self) -> NDArray[np.bool_]:
        """What each query sees, by mask and order, shape (..., L, S); a view where it can be."""
        queries, keys = self.q.shape[-2], self.k.shape[-2]
        seen = np.ones((queries, keys), bool) if self.mask is None else self.mask
        if self.causal:
            seen = seen & causal_mask(queries, keys, self.causal)
        return np.broadcast_to(seen, (*self.leading, queries, keys))


def causal_mask(queries: int, keys: int, causal: str) -> NDArray[np.bool_]:
    """What each query sees, shape (queries, keys): see `CAUSAL`."""
    ahead = keys - queries if causal == "lower-right" else 0
    return np.tri(queries, keys, ahead, dtype=bool)


def _check(call: Call) -> None:
    q, k, v = call.q, call.k, call.v
    shapes = f"q {q.shape}, k {k.shape}, v {v.shape}"
    if min(q.ndim, k.ndim, v.ndim) < 2:
        raise BadData(f"{shapes}: expected at least two axes each, (..., length, components)")
    if q.shape[-1] != k.shape[-1] or k.shape[-2] != v.shape[-2]:
        raise BadData(f"{shapes}: expected q (..., L, d), k (..., S, d) and v (..., S, c)")
    if call.causal and call.causal not in CAUSAL:
        raise BadData(f"causal {call.causal!r}: expected one of {', '.join(CAUSAL)}, or nothing")
    try:
        leading = np.broadcast_shapes(q.shape[:-2], k.shape[:-2], v.shape[:-2])
        if call.mask is not None:
            np.broadcast_shapes(call.mask.shape, (*leading, q.shape[-2], k.shape[-2]))
    except ValueError:
        mask = "none" if call.mask is None else call.mask.shape
        raise BadData(
            f"{shapes}, mask {mask}: expected axes before the last two that broadcast, and a mask "
            "that broadcasts to (..., L, S)"
        ) from None


def rows_of(call: Call) -> Iterator[tuple[Array, Operands]]:
    """The logits and operands of the queries of each batch and head, in the order of `placed`.

    Returns
    -------
    x : ndarray of float64, shape (L, S)
        The scores in float64, -inf where a key is hidden.
    operands : tuple of ndarray
        q (L, 1, d), k (L, S, d), v (L, S, c) and the mask (L, 1, S), k and v without a copy.
    """
    queries, leading, seen = call.q.shape[-2], call.leading, call.seen
    q, k, v = (np.broadcast_to(a, (*leading, *a.shape[-2:])) for a in (call.q, call.k, call.v))
    for place in np.ndindex(leading):
        keys, values = (np.broadcast_to(a[place], (queries, *a.shape[-2:])) for a in (k, v))
        operands = (q[place][:, None], keys, values, seen[place][:, None])
        yield scores(operands), operands


def blocks_of_call(arguments: Operands) -> tuple[Inputs, ...]:
    """The rows of a call with q, k, v and a mask: heads of many numbers alone, others together.

    The rows of a head alone share its keys and values. In what stands together each row has a copy.
    """
    q, k, v, mask = arguments
    call = Call(q, k, v, mask)
    if call.q.shape[-2] == 1:
        return (Inputs(*_single_queries(call)),)
    found: list[list[Inputs]] = []
    size = 0
    for each in starmap(Inputs, rows_of(call)):
        if not found or size + each.size > _TOGETHER:
            found.append([])
            size = 0
        found[-1].append(each)
        size += each.size
    return tuple(map(joined, found))


def _single_queries(call: Call) -> tuple[Array, Operands]:
    """What `rows_of` gives of all heads at once where each has one query."""
    operands = tuple(
        np.broadcast_to(each, (*call.leading, *each.shape[-2:])).reshape(-1, *each.shape[-2:])
        for each in (call.q, call.k, call.v, call.seen)
    )
    return scores(operands), operands


def placed(results: Sequence[NDArray[Any]], call: Call) -> NDArray[Any]:
    """Results of the rows of each block, shapes (L, c), as the call gives them: (..., L, c)."""
    return np.stack(results).reshape(call.shape)


def blocks_of(results: NDArray[Any], call: Call) -> list[NDArray[Any]]:
    """What a call gave back, shape (..., L, c), by block of `rows_of`: the reverse of `placed`."""
    return list(results.reshape(-1, *call.shape[-2:]))


def scores(operands: Operands) -> Array:
    """q.k / sqrt d of rows in float64, shape (rows, n), -inf where a key is hidden."""
    q, k, _, mask = operands
    k = own_rows(k)
    across = np.swapaxes((k[0] if len(k) == 1 else k).astype(np.float64), -1, -2)
    with np.errstate(invalid="ignore", over="ignore"):
        found = times(q[:, 0].astype(np.float64), across) / np.sqrt(q.shape[-1])
    return np.where(mask[:, 0].astype(bool), found, -np.inf)
