"""Arrays in files, whatever the kind of file: `read_array`, and `KINDS` to write them.

Each kind has a module of its own: `npy`, `safetensors`, `raw`. None is read before its numbers are
asked for.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground import raw, safetensors
from softmax_harness.ground.errors import BadData
from softmax_harness.ground.formats import FORMATS
from softmax_harness.ground.npy import read_npy, write_npy
from softmax_harness.ground.raw import dtype_named, little_endian, read_raw, write_raw
from softmax_harness.ground.safetensors import read_safetensors

Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class Told:
    """What is told of an array, since its file may not say it.

    Attributes
    ----------
    dtype : str or None
        A name, NumPy's or that of a format. A file of .npy knows no bfloat16 and no float8; their
        bits may be saved as unsigned integers.
    shape : tuple of int or None
        A raw file does not say it.
    """

    dtype: str | None = None
    shape: tuple[int, ...] | None = None


@dataclass(frozen=True)
class Kind:
    """A kind of file.

    Attributes
    ----------
    suffix : str
        With which the names of its files end.
    write : callable
        ``write(path, arrays)`` writes arrays by name, into a folder that gets its place as a whole.
    holds_many : bool
        Whether one file holds several arrays; else `write` takes one.
    """

    suffix: str
    write: Callable[[Path, Arrays], None]
    holds_many: bool = False


def _alone(write: Callable[[Path, NDArray[Any]], None]) -> Callable[[Path, Arrays], None]:
    """What writes the only one of some arrays."""

    def written(path: Path, arrays: Arrays) -> None:
        (values,) = arrays.values()
        write(path, values)

    return written


_NPY, _MAGIC = ".npy", b"\x93NUMPY"
KINDS = {
    "npy": Kind(_NPY, _alone(write_npy)),
    "safetensors": Kind(safetensors.SUFFIX, safetensors.write_safetensors, holds_many=True),
    "raw": Kind(raw.SUFFIX, _alone(write_raw)),
}
_NOTHING = Told()


def in_file(path: Path) -> tuple[Path, str | None]:
    """The file that is meant, and the array in it: ``m.safetensors:y`` is ``y`` in the file."""
    file, colon, name = str(path).partition(f"{safetensors.SUFFIX}:")
    return (Path(f"{file}{safetensors.SUFFIX}"), name) if colon else (path, None)


def is_raw(path: Path) -> bool:
    """Whether a file is raw: no other by its name, nor .npy under another name."""
    file, _ = in_file(path)
    if file.suffix in (_NPY, safetensors.SUFFIX) or not file.is_file():
        return False
    with file.open("rb") as opened:
        return opened.read(len(_MAGIC)) != _MAGIC


def read_array(path: Path, told: Told = _NOTHING) -> NDArray[Any]:
    """The array in a file, memory-mapped.

    A file is read as its name ends: .npy, or .safetensors, after which a colon and a name tell
    which of its arrays is meant. Any other is raw, or .npy if it begins so.

    Raises
    ------
    BadData
        If there is no array, or what the file says of it is something else than what is told.
    """
    file, name = in_file(path)
    if is_raw(path):
        if told.shape is None or told.dtype is None:
            raise BadData(
                f"{path}: raw numbers, which say neither shape nor dtype: expected both with "
                "them, such as --shape 4,100 --x-dtype float32"
            )
        return read_raw(file, told.dtype, told.shape)
    if file.suffix == safetensors.SUFFIX:
        values = read_safetensors(file, name)
    else:
        values = read_npy(file, told.dtype if told.dtype in FORMATS else None)
    if told.shape is not None and values.shape != told.shape:
        raise BadData(f"{path}: shape {list(values.shape)}; expected {list(told.shape)}")
    return _as_told(values, told.dtype)


def _as_told(values: NDArray[Any], dtype: str | None) -> NDArray[Any]:
    """Bits of the format that is told, where they were saved as something else of their size."""
    if dtype is None or values.dtype.name == dtype:
        return values
    own = dtype_named(dtype)
    is_bits = values.dtype.kind in "uV" and own.kind not in "iub"
    if is_bits and values.dtype.itemsize == own.itemsize:
        native = values.astype(values.dtype.newbyteorder("="), copy=False)
        return native.view(np.ndarray).view(own)
    return values


def digest(parts: Iterable[NDArray[Any]]) -> str:
    """The SHA-256 of the numbers of some arrays as raw files hold them, one after another."""
    found = hashlib.sha256()
    for each in parts:
        found.update(np.ascontiguousarray(little_endian(each)).tobytes())
    return found.hexdigest()
