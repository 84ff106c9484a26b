"""Files of safetensors: named arrays behind a header in JSON, read strictly and memory-mapped.

A file is a length of 8 bytes, little-endian, a header of that length, and the numbers of the
arrays, little-endian in C order, without gaps and without overlaps. The header gives each array
``dtype``, ``shape`` and ``data_offsets``, counted from the end of the header; the texts under
``__metadata__`` are no array (https://github.com/huggingface/safetensors, section "Format").
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from numpy.typing import NDArray

from softmax_harness.ground.errors import BadData
from softmax_harness.ground.formats import FORMATS
from softmax_harness.ground.raw import dtype_named, little_endian, mapped
from softmax_harness.ground.text import printable

SUFFIX = ".safetensors"
_LENGTH = 8  # bytes, of the length of the header
_LARGEST_HEADER = 100_000_000  # bytes, as the reference implementation has it
_METADATA = "__metadata__"
_INTEGERS = {"BOOL": "bool"} | {
    f"{letter}{bits}": f"{name}{bits}"
    for letter, name in (("I", "int"), ("U", "uint"))
    for bits in (8, 16, 32, 64)
}
_SHOWN = 5


class Stored(NamedTuple):
    """Where an array lies in a file.

    Attributes
    ----------
    dtype : str
        Its name, NumPy's or that of a format.
    shape : tuple of int
    begin : int
        The first of its bytes, counted from the beginning of the file.
    """

    dtype: str
    shape: tuple[int, ...]
    begin: int


def _name_of(format: str) -> str:
    """How safetensors calls a format: F16, BF16, F8_E4M3 for float8_e4m3fn."""
    return format.removesuffix("fn").replace("float", "f").upper()


def _dtypes() -> dict[str, str]:
    return {_name_of(name): name for name in FORMATS} | _INTEGERS


def read_safetensors(path: Path, name: str | None = None) -> NDArray[Any]:
    """The array of that name, memory-mapped; the only one where none is named.

    Raises
    ------
    BadData
        If there is no such array, or the file is not as safetensors writes it.
    """
    there = tensors_in(path)
    if name is None and len(there) == 1:
        (name,) = there
    if name not in there:
        names = [*there][:_SHOWN]
        more = f" and {len(there) - _SHOWN} more" if len(there) > _SHOWN else ""
        wanted = f"one of {', '.join(map(printable, names))}{more}" if names else "an array in it"
        given = "several arrays" if name is None else f"no array {printable(name)}"
        raise BadData(f"{path}: {given if there else 'no array'}; expected {path}:NAME, {wanted}")
    found = there[name]
    return mapped(path, found.dtype, found.shape, found.begin)


def tensors_in(path: Path) -> dict[str, Stored]:
    """The arrays in a file by name; nothing but the header is read.

    Raises
    ------
    BadData
        If the file is not as safetensors writes it.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            length = int.from_bytes(file.read(_LENGTH), "little")
            if size < _LENGTH or length > min(size - _LENGTH, _LARGEST_HEADER):
                raise ValueError(f"a header of {length} bytes in a file of {size}")
            header = json.loads(file.read(length).decode("utf-8"), object_pairs_hook=_once)
        return _stored(header, _LENGTH + length, size)
    except OSError as error:
        raise BadData(f"{path}: {error.strerror}; expected a file of safetensors") from None
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        told = printable(" ".join(str(error).split()))[:200]
        raise BadData(f"{path}: not a whole file of safetensors ({told})") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The pairs of an object, each key once: of two that are the same one would not count."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands in the header twice")
    return found


def _stored(header: dict[str, Any], begin: int, size: int) -> dict[str, Stored]:
    """The arrays of a header, if they fill the rest of the file without gaps and overlaps."""
    there, ends = {}, [(begin, begin)]
    for name, about in header.items():
        if name == _METADATA:
            continue
        dtype, shape, (first, last) = about["dtype"], about["shape"], about["data_offsets"]
        known = _dtypes()
        if dtype not in known:
            raise ValueError(f"{name} of {dtype}: expected one of {', '.join(known)}")
        if not all(type(each) is int and each >= 0 for each in (*shape, first, last)):
            raise ValueError(f"{name} has the shape {shape} and the bytes {first} to {last}")
        if last - first != math.prod(shape) * dtype_named(known[dtype]).itemsize:
            raise ValueError(f"{name} of {dtype} and shape {shape} has {last - first} bytes")
        ends.append((begin + first, begin + last))
        there[name] = Stored(known[dtype], tuple(shape), begin + first)
    ends = [*sorted(ends), (size, size)]
    for (_, last), (first, _) in zip(ends, ends[1:], strict=False):
        if last != first:
            raise ValueError(f"{'a gap' if last < first else 'an overlap'} at byte {first}")
    return there


def write_safetensors(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write arrays by name into one file, those of wide types first, so that each is aligned."""
    names = {dtype: name for name, dtype in _dtypes().items()}
    ordered = dict(sorted(arrays.items(), key=lambda each: -each[1].dtype.itemsize))
    header, end = {}, 0
    for name, values in ordered.items():
        begin, end = end, end + values.nbytes
        about = {"dtype": names[values.dtype.name], "shape": values.shape}
        header[name] = about | {"data_offsets": (begin, end)}
    text = json.dumps(header).encode("ascii")
    text += b" " * (-len(text) % _LENGTH)
    with path.open("wb") as file:
        file.write(len(text).to_bytes(_LENGTH, "little") + text)
        for values in ordered.values():
            file.write(little_endian(values).tobytes())
