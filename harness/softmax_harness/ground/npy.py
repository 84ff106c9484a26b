"""Files of .npy: read memory-mapped, without pickles."""

from __future__ import annotations

import mmap
import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.errors import BadData
from softmax_harness.ground.formats import FORMATS, format_named
from softmax_harness.ground.text import printable

_REASON = 200  # characters of what NumPy says, which may quote a whole header


def read_npy(path: Path, dtype: str | None = None) -> NDArray[Any]:
    """The array in a .npy file, memory-mapped; `BadData` in one line where there is none.

    Parameters
    ----------
    path : Path
    dtype : str or None
        The name of the format of which raw bytes, or unsigned integers of its size, are the bits.
        Without it raw bytes are read as the format that NumPy saves as such.
    """
    if not os.path.isfile(path):
        raise BadData(f"{path}: no such file; expected a .npy file written by numpy.save")
    if _begins_as_archive(path):
        raise BadData(f"{path}: an archive of several arrays; expected one array, saved as .npy")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of headers that overflow; what comes of it is refused
            array: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    except Exception as error:  # noqa: BLE001 - a header may hold anything, and so may what it raises
        reason = printable(str(error).split("\n")[0])[:_REASON]
        raise BadData(f"{path}: not a readable .npy array of numbers ({reason})") from None
    if dtype is not None and array.dtype.kind in "Vu":
        own, native = format_named(dtype).dtype, array.dtype.newbyteorder("=")
        is_bits = array.dtype.itemsize == own.itemsize
        return array.astype(native, copy=False).view(own) if is_bits else array
    saved = [each for each in FORMATS.values() if each.loaded_as == array.dtype.str]
    return array.view(saved[0].dtype) if saved else array


def _begins_as_archive(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(2) == b"PK"
    except OSError:
        return False


def write_npy(path: Path, values: NDArray[Any]) -> None:
    """Write a .npy file; a type of one byte that NumPy cannot load becomes the bits."""
    is_foreign = values.dtype.isbuiltin != 1 and values.dtype.itemsize == 1
    np.save(path, values.view(np.uint8) if is_foreign else values, allow_pickle=False)


def let_go(array: NDArray[Any]) -> None:
    """Let the system forget which parts of a memory-mapped array were read, and read them again.

    Otherwise all that was ever read counts as this process's memory, which grows with the file.
    """
    owner: Any = array
    while isinstance(owner, np.ndarray):
        owner = owner.base
    if isinstance(owner, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        owner.madvise(mmap.MADV_DONTNEED)
