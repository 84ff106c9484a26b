"""A pair read from files of any kind."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.arrays import Told, is_raw, read_array
from softmax_harness.ground.errors import BadData
from softmax_harness.ground.formats import FORMATS
from softmax_harness.operations import Operand, operation_named
from softmax_harness.score.pair import Files, Given, Pair, check_call, pair_of
from softmax_harness.score.values import (
    check_format,
    check_output_format,
    check_rounded,
    check_values,
)


def read_pair(files: Files) -> Pair:
    """Inputs and outputs from files.

    Raises
    ------
    BadData, UnknownName
        If a file is missing or holds no numbers, if shapes do not fit each other, if there is no
        such axis or operand, if every input is NaN, or if an integer input is not exact in float64.
    """
    pair = open_pair(files)
    x = pair.first
    if x.dtype.kind not in "iu" and x.size and all(np.isnan(part).all() for part in x):
        raise BadData(
            f"{files.x}: every value is NaN; expected logits, at least one of them a number"
        )
    check_values(pair, _operands(files, x), _called(files))
    if files.y_dtype is not None:
        check_rounded(pair.y, pair.format, str(files.y))
    return pair


def open_pair(files: Files) -> Pair:
    """As `read_pair`, but the values are not looked at."""
    operation, x = operation_named(files.operation), _numbers(files)
    check_call(operation, x.ndim, files.axis, files.operands, f"--axis {files.axis}")
    given = Given(
        operation=operation,
        first=x,
        operands=_operands(files, x),
        axis=files.axis,
        called=_called(files) | {"y": str(files.y)},
        wanted="--operand {}=FILE.npy",
    )
    y = _outputs(files, given)
    return replace(pair_of(given, y, FORMATS[files.y_dtype or y.dtype.name]), files=files)


def _called(files: Files) -> dict[str, str]:
    """The path of each array, by the name of its parameter."""
    first = operation_named(files.operation).parameters[0]
    return {name: str(path) for name, path in {**files.operands, first: files.x}.items()}


def _numbers(files: Files) -> NDArray[Any]:
    """A plain array, which NumPy cuts several times as fast as its memmap."""
    array = read_array(files.x, Told(files.x_dtype, files.shape))
    check_format(array, str(files.x))
    if files.x_dtype not in (None, array.dtype.name):
        raise BadData(
            f"{files.x}: {array.dtype.name}, where --x-dtype says {files.x_dtype}: leave --x-dtype "
            "out, or save the numbers in that format"
        )
    return np.atleast_1d(array.view(np.ndarray))


def _outputs(files: Files, given: Given) -> NDArray[Any]:
    """The outputs; bits of a format that NumPy lacks may be saved as unsigned integers."""
    told = Told(files.y_dtype or files.x_dtype)
    if is_raw(files.y):
        told = Told(told.dtype or given.format.name, given.rows()[1])
    y = read_array(files.y, told).view(np.ndarray)
    check_output_format(y, str(files.y))
    one_result = operation_named(files.operation).one_result
    return y if one_result else np.atleast_1d(y)


def _operands(files: Files, x: NDArray[Any]) -> dict[str, NDArray[Any]]:
    """The arguments after the first one that are given, by name."""
    about = {each.name: each for each in operation_named(files.operation).operands}
    return {name: _operand(files, about[name], x) for name in files.operands}


def _operand(files: Files, about: Operand, x: NDArray[Any]) -> NDArray[Any]:
    """One of them; a raw one has as many numbers as the logits have rows."""
    path = files.operands[about.name]
    if not is_raw(path):
        # Integers are bits of the format of the logits only where floats are expected.
        own = x.dtype.name if about.kind == "float" else None
        return read_array(path, Told(own)).view(np.ndarray)
    if not operation_named(files.operation).takes_logits or about.ndim > (about.entries == 0):
        raise BadData(
            f"{path}: raw numbers, which do not say the shape of {about.name}: "
            "expected a file of .npy or .safetensors"
        )
    shape = x.shape if about.ndim else tuple(np.delete(x.shape, files.axis).tolist())
    return read_array(path, Told(_raw_dtype(about, path, shape, x), shape))


def _raw_dtype(about: Operand, path: Path, shape: tuple[int, ...], x: NDArray[Any]) -> str:
    """Of an operand in a raw file: integers are as wide as the file is large enough for."""
    if about.kind == "float":
        return x.dtype.name
    if about.kind == "bool":
        return "bool"
    size = path.stat().st_size // max(math.prod(shape), 1)
    return f"int{8 * size}" if size in (1, 2, 4, 8) else "int64"
