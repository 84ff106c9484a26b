"""Memory before a page that nobody can read, as a vector that reads on behind a row may meet it."""

from __future__ import annotations

import ctypes
import mmap
import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

_NOBODY = 0  # PROT_NONE


def fenced_bytes(count: int) -> NDArray[np.uint8]:
    """So many bytes, the last of which is that of a page: who reads or writes behind them dies.

    Plain ones where the system fences no page.
    """
    if sys.platform == "win32":
        return np.empty(count, np.uint8)
    page = mmap.PAGESIZE
    usable = -(-max(count, 1) // page) * page
    memory = mmap.mmap(-1, usable + page)
    own: NDArray[Any] = np.frombuffer(memory, np.uint8, count, usable - count)
    fence = ctypes.c_void_p(own.ctypes.data + count)
    ctypes.CDLL(None).mprotect(fence, ctypes.c_size_t(page), _NOBODY)
    return own
