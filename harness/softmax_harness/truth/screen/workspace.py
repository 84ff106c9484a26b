"""Memory that one block's arithmetic uses again and again, since fresh pages cost more than it does."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Bits = NDArray[np.int64]

# A dozen arrays of this many elements stay in a core's second-level cache.
BLOCK_ELEMENTS = 1 << 15
_ARRAYS = 16


class Workspace:
    """Arrays of one shape, taken and given back in the order of a stack."""

    def __init__(self, shape: tuple[int, int]) -> None:
        self._free = [np.empty(shape) for _ in range(_ARRAYS)]

    def take(self) -> Array:
        """An array with anything in it."""
        return self._free.pop()

    def give(self, *arrays: Array) -> None:
        """Give arrays back, each once."""
        self._free.extend(arrays)


@lru_cache(maxsize=4)
def workspace(shape: tuple[int, int]) -> Workspace:
    """The workspace of this shape; a process works at one block at a time."""
    return Workspace(shape)


def bits_of(array: Array) -> Bits:
    """The same memory as integers."""
    return array.view(np.int64)
