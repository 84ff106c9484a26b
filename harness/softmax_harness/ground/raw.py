"""Raw files: the numbers of one array and nothing else, little-endian, in C order."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.errors import BadData
from softmax_harness.ground.formats import FORMATS

SUFFIX = ".raw"


def read_raw(path: Path, dtype: str, shape: tuple[int, ...]) -> NDArray[Any]:
    """The array of that dtype and shape, memory-mapped.

    Raises
    ------
    BadData
        If there is no such file, or it has not as many bytes.
    """
    expected = math.prod(shape) * dtype_named(dtype).itemsize
    try:
        size = path.stat().st_size
    except OSError as error:
        raise BadData(f"{path}: {error.strerror}; expected raw numbers") from None
    if size != expected or not path.is_file():
        raise BadData(
            f"{path}: {size} bytes; expected {expected}, raw {dtype} of the shape {list(shape)}"
        )
    return mapped(path, dtype, shape)


def mapped(path: Path, dtype: str, shape: tuple[int, ...], begin: int = 0) -> NDArray[Any]:
    """Little-endian numbers in C order that begin at a byte of a file, memory-mapped."""
    own = dtype_named(dtype)
    size = math.prod(shape) * own.itemsize
    if not size:  # which no system maps
        return np.empty(shape, own)
    there = np.memmap(path, np.uint8, "r", begin, size)
    return there.view(np.ndarray).view(_little(own)).reshape(shape)


def write_raw(path: Path, values: NDArray[Any]) -> None:
    """Write the numbers of an array."""
    path.write_bytes(little_endian(values).tobytes())


def little_endian(values: NDArray[Any]) -> NDArray[Any]:
    """The same numbers, little-endian."""
    return values.astype(_little(values.dtype), copy=False)


def _little(own: np.dtype[Any]) -> np.dtype[Any]:
    """The same type, little-endian; a foreign one of two bytes has no byte order."""
    return own.newbyteorder("<") if own.itemsize > 1 and own.kind in "iufc" else own


def dtype_named(name: str) -> np.dtype[Any]:
    """NumPy's type of that name, or that of a format.

    Raises
    ------
    BadData
        If the package that brings it is not installed.
    """
    return FORMATS[name].dtype if name in FORMATS else np.dtype(name)
