"""Reading .npy files, memory-mapped and without pickles, and writing them so that they are read.

NumPy saves types that are not its own as raw bytes: which type it was may be lost.
"""

from __future__ import annotations

import ast
import mmap
import os
import warnings
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.errors import BadData
from softmax_harness.ground.formats import FORMATS, Format, format_named
from softmax_harness.ground.text import printable

_REASON = 200  # characters of what NumPy says, which may quote a whole header
_LONGEST_HEADER = 10_000  # as NumPy has it


def read_npy(path: Path, dtype: str | None = None) -> NDArray[Any]:
    """The array in a .npy file, memory-mapped; `BadData` in one line where there is none.

    Parameters
    ----------
    path : Path
    dtype : str or None
        The name of the format of which raw bytes, or unsigned integers of its size, are the bits.
        Without it raw bytes are read as the format that NumPy saves as such, where there is one.
    """
    if not os.path.isfile(path):
        raise BadData(f"{path}: no such file; expected a .npy file written by numpy.save")
    if _begins_as_archive(path):
        raise BadData(f"{path}: an archive of several arrays; expected one array, saved as .npy")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of headers that overflow; what comes of it is refused
            array = _of_foreign_type(path)
            if array is None:
                array = np.load(path, mmap_mode="r", allow_pickle=False)
    except Exception as error:  # noqa: BLE001 - a header may hold anything, and so may what it raises
        reason = printable(str(error).split("\n")[0])[:_REASON]
        raise BadData(f"{path}: not a readable .npy array of numbers ({reason})") from None
    if dtype is not None and array.dtype.kind in "Vu":
        own, native = format_named(dtype).dtype, array.dtype.newbyteorder("=")
        is_bits = array.dtype.itemsize == own.itemsize
        return array.astype(native, copy=False).view(own) if is_bits else array
    saved = _saved_as(array.dtype.str)
    if len(saved) > 1:
        raise BadData(
            f"{path}: holds raw bytes, {array.dtype.str}, as NumPy saves "
            f"{', '.join(each.name for each in saved)}: say which with score --x-dtype or "
            "--y-dtype, or explain --dtype, or save it as float32, which holds each of them"
        )
    return array.view(saved[0].dtype) if saved else array


def write_npy(path: Path, values: NDArray[Any]) -> None:
    """Write a .npy file; what would not be read as what it is becomes unsigned integers, its bits.

    Which format they are of has to stand elsewhere.
    """
    own = FORMATS.get(values.dtype.name)
    saved = None if own is None else own.loaded_as
    if saved is not None and (len(_saved_as(saved)) > 1 or not _is_known(saved)):
        values = values.view(f"u{values.dtype.itemsize}")
    np.save(path, values, allow_pickle=False)


def _saved_as(descr: str) -> list[Format]:
    return [each for each in FORMATS.values() if each.loaded_as == descr]


def _is_known(descr: str) -> bool:
    """Whether NumPy reads what it has saved as that."""
    try:
        np.dtype(descr)
    except TypeError:
        return False
    return True


def _of_foreign_type(path: Path) -> NDArray[Any] | None:
    """The array in a file whose type NumPy can save but not load; None where it can."""
    with path.open("rb") as file:
        major, _ = np.lib.format.read_magic(file)
        size = int.from_bytes(file.read(2 if major == 1 else 4), "little")
        text, start = file.read(min(size, _LONGEST_HEADER)).decode("latin1"), file.tell()
    names = [
        each.loaded_as
        for each in FORMATS.values()
        if each.loaded_as and f"'{each.loaded_as}'" in text and not _is_known(each.loaded_as)
    ]
    if not names:
        return None
    about = ast.literal_eval(text)
    (format,) = _saved_as(about["descr"])
    if 0 in about["shape"]:
        return np.empty(about["shape"], format.dtype)
    order: Literal["F", "C"] = "F" if about["fortran_order"] else "C"
    return np.memmap(path, format.dtype, "r", start, about["shape"], order)


def _begins_as_archive(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(2) == b"PK"
    except OSError:
        return False


def let_go(array: NDArray[Any]) -> None:
    """Let the system forget which parts of a memory-mapped array were read, and read them again.

    Otherwise all that was ever read counts as this process's memory, which grows with the file.
    """
    owner: Any = array
    while isinstance(owner, np.ndarray):
        owner = owner.base
    if isinstance(owner, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        owner.madvise(mmap.MADV_DONTNEED)
