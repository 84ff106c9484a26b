"""Memory that each block's arithmetic uses again: fresh pages cost more than the arithmetic."""

from __future__ import annotations

import math
import threading

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Bits = NDArray[np.int64]

# Larger blocks fall out of the nearest caches, smaller ones are all overhead of calls: measured.
BLOCK_ELEMENTS = 1 << 15
_ARRAYS, _APART = 16, 104
_LINE = 8  # numbers in a line of the caches


def rows_of_a_block(rows: int, n: int, elements: int = BLOCK_ELEMENTS) -> int:
    """How many rows of n to take at once: in blocks of equal size, of nearly so many elements each.

    What is left for a last small block would take nearly as long as a whole one: calls of NumPy
    take time by themselves.
    """
    blocks = max(1, round(rows * n / elements))
    return max(1, -(-rows // blocks))


def aligned(shape: tuple[int, ...]) -> Array:
    """As np.empty, beginning at a line of the caches.

    NumPy's own arrays begin 16 bytes behind one, so that each of the widest registers is loaded
    from two lines and stored to two: a sum or product of two arrays into a third takes twice as
    long.
    """
    size = math.prod(shape)
    memory = np.empty(size + _LINE)
    start = -(int(memory.ctypes.data) // memory.itemsize) % _LINE
    return memory[start : start + size].reshape(shape)


class Workspace:
    """Arrays of one shape, taken and given back in the order of a stack.

    They are parts of one piece of memory, large enough to get large pages, and lie a little more
    than their size apart: those a power of two apart would drive each other out of the caches. Each
    begins at a line of these.
    """

    def __init__(self, shape: tuple[int, int]) -> None:
        size = shape[0] * shape[1]
        memory = aligned((_ARRAYS, -(-size // _LINE) * _LINE + _APART))
        self._free: list[Array] = [each[:size].reshape(shape) for each in memory]

    def take(self) -> Array:
        """An array with anything in it."""
        return self._free.pop()

    def give(self, *arrays: Array) -> None:
        """Give arrays back, each once."""
        self._free.extend(arrays)


class _Own(threading.local):
    """Each thread's workspaces, by shape."""

    def __init__(self) -> None:
        self.by_shape: dict[tuple[int, int], Workspace] = {}
        self.stack = np.empty(0)


_own = _Own()
_KEPT = 4


def workspace(shape: tuple[int, int]) -> Workspace:
    """This thread's workspace of that shape; a thread works at one block at a time."""
    if shape not in _own.by_shape:
        if len(_own.by_shape) >= _KEPT:
            _own.by_shape.clear()
        _own.by_shape[shape] = Workspace(shape)
    return _own.by_shape[shape]


def stacked(count: int, shape: tuple[int, int]) -> Array:
    """So many arrays of this thread one after another, with anything in them.

    The next call gives the same memory.
    """
    apart = -(-math.prod(shape) // _LINE) * _LINE + _APART
    if _own.stack.size < count * apart:
        _own.stack = aligned((count * apart,))
    whole = _own.stack[: count * apart].reshape(count, apart)
    return whole[:, : math.prod(shape)].reshape(count, *shape)


def bits_of(array: Array) -> Bits:
    """The same memory as integers."""
    return array.view(np.int64)
