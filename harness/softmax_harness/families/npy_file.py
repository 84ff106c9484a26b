"""A user's own .npy file as a family."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax_harness.errors import BadData
from softmax_harness.families.family import Family
from softmax_harness.formats import format_named, format_of


def read_npy(path: Path) -> NDArray[Any]:
    """The array in a .npy file, memory-mapped; `BadData` in one line where there is none.

    NumPy saves the bfloat16 of ml_dtypes as raw values of two bytes, which are read as what they
    were.
    """
    if not path.is_file():
        raise BadData(f"{path}: no such file; expected a .npy file written by numpy.save")
    try:
        array: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        reason = str(error).split("\n")[0]
        raise BadData(f"{path}: not a readable .npy array of numbers ({reason})") from None
    if not isinstance(array, np.ndarray):
        raise BadData(f"{path}: an archive of several arrays; expected one array, saved as .npy")
    return array.view(format_named("bfloat16").dtype) if array.dtype.str == "|V2" else array


def npy_family(path: Path) -> Family:
    """The rows of a .npy file, its last axis taken as the row.

    Raises
    ------
    BadData
        If the file holds no array of numbers, or nothing but NaN.
    """
    array = read_npy(path)
    format_of(array)
    rows = array.reshape(-1, array.shape[-1]) if array.ndim else array.reshape(1, 1)
    if rows.size == 0:
        raise BadData(f"{path}: the array is empty, of shape {array.shape}; expected logits")
    if np.isnan(rows.astype(np.float64)).all():
        raise BadData(f"{path}: every value is NaN; expected logits, at least one of them a number")
    return Family(
        str(path),
        f"{array.dtype} array of shape {array.shape}",
        lambda format, n, count, rng: rows,
        lengths=(rows.shape[-1],),
        rows=len(rows),
    )
