"""Ways for the same numbers to lie in memory. What lies between and around them is NaN."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Layout = Callable[[NDArray[Any]], NDArray[Any]]
_ALIGNMENT = 64
_GUARD = 128  # bytes of NaN before and after, which no call has business to read


def contiguous(x: NDArray[Any]) -> NDArray[Any]:
    """C order, aligned to 64 bytes."""
    return _placed(x, 0)


def misaligned(x: NDArray[Any]) -> NDArray[Any]:
    """C order, one byte off any alignment."""
    return _placed(x, 1)


def _placed(x: NDArray[Any], offset: int) -> NDArray[Any]:
    memory = np.empty(x.nbytes + 2 * _GUARD + 2 * _ALIGNMENT, np.uint8)
    for end in (memory[: 2 * _GUARD], memory[-2 * _GUARD :]):
        end.view(x.dtype)[...] = _poison(x.dtype)
    start = -memory.ctypes.data % _ALIGNMENT + _GUARD + offset
    at = memory[start : start + x.nbytes].view(x.dtype).reshape(x.shape)
    at[...] = x
    return at


def _poison(dtype: np.dtype[Any]) -> NDArray[Any]:
    return np.array(0 if dtype.kind in "iub" else np.nan).astype(dtype)


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


def reversed_(x: NDArray[Any]) -> NDArray[Any]:
    """Negative strides along every axis."""
    backwards = tuple(slice(None, None, -1) for _ in x.shape)
    return np.asarray(x[backwards].copy()[backwards])


def read_only(x: NDArray[Any]) -> NDArray[Any]:
    """C order, not to be written to."""
    at = contiguous(x)
    at.flags.writeable = False
    return at


def transposed(x: NDArray[Any]) -> NDArray[Any]:
    """The first two axes exchanged in memory."""
    return x.copy() if x.ndim < 2 else np.asarray(x.swapaxes(0, 1).copy().swapaxes(0, 1))


def broadcast(x: NDArray[Any]) -> NDArray[Any]:
    """Every row the first one, with a stride of 0."""
    return np.broadcast_to(x[:1], x.shape) if x.ndim else x


def expanded(x: NDArray[Any]) -> NDArray[Any]:
    """Every entry of the last axis the first one, with a stride of 0: as the gradient of a sum."""
    return np.broadcast_to(x[..., :1], x.shape) if x.ndim else x


LAYOUTS: dict[str, Layout] = {
    "contiguous": contiguous,
    "fortran": fortran,
    "every-other": every_other,
    "reversed": reversed_,
    "read-only": read_only,
    "misaligned": misaligned,
    "transposed": transposed,
    "broadcast": broadcast,
    "expanded": expanded,
}
