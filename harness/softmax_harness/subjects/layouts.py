"""Ways for the same numbers to lie in memory. What lies between and around them is NaN."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax_harness.subjects.fenced import fenced_bytes

Layout = Callable[[NDArray[Any]], NDArray[Any]]
_ALIGNMENT = 64
_GUARD = 128  # bytes of NaN before and after, which no call has business to read


def contiguous(x: NDArray[Any]) -> NDArray[Any]:
    """C order, aligned to 64 bytes."""
    return _placed(x, 0)


def misaligned(x: NDArray[Any]) -> NDArray[Any]:
    """C order, one byte off any alignment."""
    return _placed(x, 1)


def one_off(x: NDArray[Any]) -> NDArray[Any]:
    """C order, one number off an alignment to 64 bytes, as behind the first one of an array."""
    return _placed(x, x.itemsize)


def _placed(x: NDArray[Any], offset: int) -> NDArray[Any]:
    memory = np.empty(x.nbytes + 2 * _GUARD + 2 * _ALIGNMENT, np.uint8)
    for end in (memory[: 2 * _GUARD], memory[-2 * _GUARD :]):
        end.view(x.dtype)[...] = _poison(x.dtype)
    start = -memory.ctypes.data % _ALIGNMENT + _GUARD + offset
    at = memory[start : start + x.nbytes].view(x.dtype).reshape(x.shape)
    at[...] = x
    return at


@cache
def _poison(dtype: np.dtype[Any]) -> NDArray[Any]:
    return np.array(0 if dtype.kind in "iub" else np.nan).astype(dtype)


def fenced(x: NDArray[Any]) -> NDArray[Any]:
    """C order, at the end of memory that may be read."""
    at = fenced_bytes(x.nbytes).view(x.dtype).reshape(x.shape)
    at[...] = x
    return at


def fortran(x: NDArray[Any]) -> NDArray[Any]:
    """Fortran order."""
    return x.copy(order="F")


def every_other(x: NDArray[Any]) -> NDArray[Any]:
    """Every other element of the last axis of an array of twice the width."""
    if not x.ndim:
        return contiguous(x)
    wide = np.empty((*x.shape[:-1], 2 * x.shape[-1]), x.dtype)
    wide[..., ::2] = x
    wide[..., 1::2] = _poison(x.dtype)
    return np.asarray(wide[..., ::2])


def pitched(x: NDArray[Any]) -> NDArray[Any]:
    """The first columns of a wider array: rows lie further apart than they are long."""
    if not x.ndim:
        return contiguous(x)
    wide = np.empty((*x.shape[:-1], x.shape[-1] + 3), x.dtype)
    wide[..., x.shape[-1] :] = _poison(x.dtype)
    wide[..., : x.shape[-1]] = x
    return np.asarray(wide[..., : x.shape[-1]])


def aligned(x: NDArray[Any]) -> NDArray[Any]:
    """The first columns of an array whose rows are whole vectors: pitched, by the next 32."""
    if not x.ndim:
        return contiguous(x)
    wide = np.full((*x.shape[:-1], (x.shape[-1] // 32 + 1) * 32), _poison(x.dtype), x.dtype)
    wide[..., : x.shape[-1]] = x
    return np.asarray(wide[..., : x.shape[-1]])


def cached(x: NDArray[Any]) -> NDArray[Any]:
    """The first rows of a longer cache: matrices lie further apart than they are large."""
    if x.ndim < 2:
        return contiguous(x)
    rows = x.shape[-2]
    long = np.full((*x.shape[:-2], 2 * rows + 3, x.shape[-1]), _poison(x.dtype), x.dtype)
    long[..., :rows, :] = x
    return np.asarray(long[..., :rows, :])


def packed(x: NDArray[Any]) -> NDArray[Any]:
    """One of three that lie beside each other for each query, as q, k and v of one projection."""
    if x.ndim < 2:
        return contiguous(x)
    inside = x.swapaxes(-3, -2) if x.ndim > 2 else x[:, None]
    three = np.full((*inside.shape[:-2], 3, *inside.shape[-2:]), _poison(x.dtype), x.dtype)
    three[..., 1, :, :] = inside
    own = three[..., 1, :, :]
    return np.asarray(own.swapaxes(-3, -2) if x.ndim > 2 else own[:, 0])


def sliced(x: NDArray[Any]) -> NDArray[Any]:
    """Every other entry of the first axis of an array of twice the length."""
    if not x.ndim:
        return contiguous(x)
    long = np.empty((2 * x.shape[0], *x.shape[1:]), x.dtype)
    long[::2] = x
    long[1::2] = _poison(x.dtype)
    return np.asarray(long[::2])


def interleaved(x: NDArray[Any]) -> NDArray[Any]:
    """One of three channels that lie beside each other: no axis has a stride of 1."""
    channels = np.empty((*x.shape, 3), x.dtype)
    channels[...] = _poison(x.dtype)
    channels[..., 1] = x
    return np.asarray(channels[..., 1])


def channels_last(x: NDArray[Any]) -> NDArray[Any]:
    """The second axis last in memory, as images have their channels."""
    if x.ndim < 3:
        return contiguous(x)
    return np.asarray(np.moveaxis(np.moveaxis(x, 1, -1).copy(), -1, 1))


def reversed_(x: NDArray[Any]) -> NDArray[Any]:
    """Negative strides along every axis."""
    backwards = tuple(slice(None, None, -1) for _ in x.shape)
    return np.asarray(x[backwards].copy()[backwards])


def backwards(x: NDArray[Any]) -> NDArray[Any]:
    """A negative stride along the last axis alone."""
    return np.asarray(x[..., ::-1].copy()[..., ::-1]) if x.ndim else contiguous(x)


def rows_backwards(x: NDArray[Any]) -> NDArray[Any]:
    """A negative stride along the first axis alone."""
    return np.asarray(x[::-1].copy()[::-1]) if x.ndim else contiguous(x)


def inside_backwards(x: NDArray[Any]) -> NDArray[Any]:
    """A negative stride along the axis before the last alone, of three axes and more."""
    if x.ndim < 3:
        return contiguous(x)
    return np.asarray(x[..., ::-1, :].copy()[..., ::-1, :])


def read_only(x: NDArray[Any]) -> NDArray[Any]:
    """C order, not to be written to."""
    at = contiguous(x)
    at.flags.writeable = False
    return at


def transposed(x: NDArray[Any]) -> NDArray[Any]:
    """The first two axes exchanged in memory."""
    return x.copy() if x.ndim < 2 else np.asarray(x.swapaxes(0, 1).copy().swapaxes(0, 1))


def heads_inside(x: NDArray[Any]) -> NDArray[Any]:
    """The axes before the last one exchanged in memory: batch, queries, heads, components."""
    if x.ndim < 3:
        return contiguous(x)
    return np.asarray(x.swapaxes(-3, -2).copy().swapaxes(-3, -2))


def exchanged(x: NDArray[Any]) -> NDArray[Any]:
    """The last two axes exchanged in memory, as of a transposed matrix."""
    return np.asarray(x.swapaxes(-1, -2).copy().swapaxes(-1, -2)) if x.ndim > 1 else x.copy()


def broadcast(x: NDArray[Any]) -> NDArray[Any]:
    """Every row the same one, with a stride of 0: the first whose entries are not all alike."""
    if not x.size or not x.ndim:
        return x
    rows = x.reshape(len(x), -1)
    row = int(np.argmax((rows != rows[:, :1]).any(axis=-1)))
    return np.broadcast_to(x[row : row + 1], x.shape)


def repeated(x: NDArray[Any]) -> NDArray[Any]:
    """The same along the axis before the last, with a stride of 0."""
    return np.broadcast_to(x[..., :1, :], x.shape) if x.ndim > 2 else contiguous(x)


def shared_by_heads(x: NDArray[Any]) -> NDArray[Any]:
    """The same along the third axis from the end, with a stride of 0, of four axes and more."""
    if x.ndim < 4 or not x.size:
        return contiguous(x)
    return np.broadcast_to(x[..., :1, :, :], x.shape)


def expanded(x: NDArray[Any]) -> NDArray[Any]:
    """Every entry of the last axis the first one, with a stride of 0: as the gradient of a sum."""
    return np.broadcast_to(x[..., :1], x.shape) if x.ndim else x


def one_number(x: NDArray[Any]) -> NDArray[Any]:
    """Every entry the first one, with strides of 0: as the gradient of the sum of an array."""
    return np.broadcast_to(x.ravel()[:1].reshape((1,) * x.ndim), x.shape) if x.size else x


def added_axes(x: NDArray[Any]) -> NDArray[Any]:
    """Axes of length 1 that were added by an index of None: NumPy gives these a stride of 0."""
    kept = contiguous(x.reshape([size for size in x.shape if size != 1]))
    return kept[tuple(None if size == 1 else slice(None) for size in x.shape)]


LAYOUTS: dict[str, Layout] = {
    "contiguous": contiguous,
    "fortran": fortran,
    "every-other": every_other,
    "pitched": pitched,
    "aligned": aligned,
    "cached": cached,
    "packed": packed,
    "sliced": sliced,
    "interleaved": interleaved,
    "channels-last": channels_last,
    "reversed": reversed_,
    "backwards": backwards,
    "rows-backwards": rows_backwards,
    "inside-backwards": inside_backwards,
    "read-only": read_only,
    "misaligned": misaligned,
    "one-off": one_off,
    "fenced": fenced,
    "transposed": transposed,
    "heads-inside": heads_inside,
    "exchanged": exchanged,
    "broadcast": broadcast,
    "repeated": repeated,
    "shared-by-heads": shared_by_heads,
    "added-axes": added_axes,
    "expanded": expanded,
    "one-number": one_number,
}
REPEATING = frozenset({"broadcast", "repeated", "shared-by-heads", "expanded", "one-number"})
"""Layouts in which some numbers are seen at many places, and others not at all."""
