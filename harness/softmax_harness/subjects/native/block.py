"""Arrays for a C function: in memory of their own, between zones that are looked at afterwards."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax_harness.subjects.fenced import fenced_bytes

# Of every byte where nothing was written: a NaN in each format that has one of all bits.
UNTOUCHED = 0xFF
OTHER = 0xA5  # tells a NaN that was written from memory that was not
_ALIGNMENT = 64
FINITE = 0x3C  # a number of each format, which arithmetic changes as it does no NaN
_LEAST_ZONE, _MOST_ZONE = 4096, 1 << 20  # bytes, multiples of the alignment


class Block:
    """Rows of an array, or matrices, one after another.

    Parameters
    ----------
    rows : int
    core : tuple of int
        The shape of each.
    dtype : dtype
    gap : int
        Elements between rows that nobody has business with.
    layout : str
        ``misaligned``: one element off any alignment, rows without gaps; ``fenced``: at the end of
        memory that may be read. Numbers are around these. Any other is aligned to 64 bytes, with
        NaN around.
    """

    def __init__(
        self,
        rows: int,
        core: tuple[int, ...],
        dtype: np.dtype[Any],
        gap: int,
        layout: str = "contiguous",
    ) -> None:
        self.core = core
        is_odd = layout == "misaligned"
        self.stride = (core[-1] if core else 1) + (0 if is_odd else gap)  # elements
        self._around = FINITE if layout in ("misaligned", "fenced") else UNTOUCHED
        lines = rows * math.prod(core[:-1])
        size, line = lines * self.stride * dtype.itemsize, self.stride * dtype.itemsize
        zone = min(max(_LEAST_ZONE, 2 * line), _MOST_ZONE) // _ALIGNMENT * _ALIGNMENT
        if layout == "fenced":
            self._memory = fenced_bytes(zone + size)
            self._start = zone
        else:
            self._memory = np.empty(size + 2 * zone + 2 * _ALIGNMENT, np.uint8)
            self._start = -self._memory.ctypes.data % _ALIGNMENT + zone
            self._start += dtype.itemsize * is_odd
        self._memory[...] = self._around
        self._end = self._start + size
        whole = self._memory[self._start : self._end].view(dtype)
        wide = whole.reshape((rows, *core[:-1], self.stride))
        self.array: NDArray[Any] = wide[..., : core[-1]] if core else wide[..., 0]
        self._gaps = wide[..., core[-1] :] if core else wide[..., :0]
        self.fill(UNTOUCHED)
        self.address = self._memory.ctypes.data + self._start
        self.bytes_of_row = line * math.prod(core[:-1])

    @property
    def bits(self) -> NDArray[Any]:
        """The array as integers of its bits."""
        return self.array.view(f"u{self.array.itemsize}")

    def fill(self, byte: int) -> None:
        """Put a byte into all of the array, and into nothing else."""
        self.bits[...] = _repeated(byte, self.array.itemsize)

    def untouched(self, byte: int) -> NDArray[np.bool_]:
        """Which elements are still as `fill` left them."""
        return np.asarray(self.bits == _repeated(byte, self.array.itemsize))

    @property
    def spilled(self) -> str:
        """Where something was written that is no part of the array; empty where nothing was."""
        where = {
            "before its begin": self._memory[: self._start],
            "after its end": self._memory[self._end :],
            "between its rows": np.ascontiguousarray(self._gaps).view(np.uint8),
        }
        told = [place for place, part in where.items() if (part != self._around).any()]
        return " and ".join(told)


def _repeated(byte: int, times: int) -> int:
    return int.from_bytes(bytes([byte]) * times, "little")
