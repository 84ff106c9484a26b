"""A user's own .npy file as a family."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from softmax_harness.ground.errors import BadData
from softmax_harness.ground.formats import format_of
from softmax_harness.ground.npy import read_npy
from softmax_harness.inputs.families.family import Family


def npy_family(path: Path, dtype: str | None = None) -> Family:
    """The rows of a .npy file, its last axis taken as the row; `dtype` as in `read_npy`.

    Raises
    ------
    BadData
        If the file holds no array of numbers, or nothing but NaN.
    """
    array = read_npy(path, dtype)
    format_of(array)
    if array.size == 0:
        raise BadData(
            f"{path}: the array is empty, of shape {array.shape}; expected rows of at least one "
            "logit, along its last axis"
        )
    rows = array.reshape(-1, array.shape[-1]) if array.ndim else array.reshape(1, 1)
    if np.isnan(rows.astype(np.float64)).all():
        raise BadData(f"{path}: every value is NaN; expected logits, at least one of them a number")
    return Family(
        str(path),
        f"{array.dtype} array of shape {array.shape}",
        lambda format, n, count, rng: rows,
        lengths=(rows.shape[-1],),
        rows=len(rows),
    )
