"""Inputs and outputs in files, of any layout, read block by block."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.arrays import Told, in_file, is_raw, read_array
from softmax_harness.ground.errors import BadData, unknown
from softmax_harness.ground.formats import FORMATS, Format, format_of
from softmax_harness.ground.memory import rows_per_block
from softmax_harness.ground.npy import let_go
from softmax_harness.operations import (
    DEFAULT_OPERATION,
    Inputs,
    Operand,
    Operation,
    Policy,
    Problem,
    operation_named,
)
from softmax_harness.operations.calls import CallRows, rows_of

_LARGEST_EXACT_INTEGER = 2**53
# Three times what a run judges at once: with one y for each x the calls weigh more, measured.
_BLOCK_ELEMENTS = 3 << 16
# Elements of each row that are read at once where a row's elements do not lie side by side.
_GATHERED = 8


@dataclass(frozen=True)
class Files:
    """Where a pair lies, and as what it is judged: enough for another process to open it.

    Attributes
    ----------
    x, y : Path
        The first argument of a call, and what came back; ``m.safetensors:y`` is an array in a file.
    axis : int
    operation : str
    operands : mapping of str to Path
        The other arguments, by name.
    y_dtype : str or None
        The format of y, where its dtype does not tell it.
    x_dtype : str or None
        The same of x, and of operands that are floats, where a file does not say it; of y too,
        where only its bits are there and `y_dtype` is None.
    shape : tuple of int or None
        Of x, which a raw file does not say.
    """

    x: Path
    y: Path
    axis: int = -1
    operation: str = DEFAULT_OPERATION
    operands: Mapping[str, Path] = field(default_factory=dict)
    y_dtype: str | None = None
    x_dtype: str | None = None
    shape: tuple[int, ...] | None = None

    @property
    def read(self) -> tuple[Path, ...]:
        """All files that are read."""
        return tuple(in_file(each)[0] for each in (self.x, self.y, *self.operands.values()))


@dataclass(frozen=True)
class Pair:
    """Inputs and the outputs computed from them.

    Attributes
    ----------
    operation : Operation
    first : ndarray
        The first argument.
    y : ndarray
        The outputs; neither is loaded into memory.
    call : CallRows
        The inputs as rows.
    results : ndarray, shape (*call.others, ...)
        The outputs beside these rows.
    axis : int
        The axis of the operation, counted from 0.
    format : Format
        Of y: the format that is judged.
    files : Files
    """

    operation: Operation
    first: NDArray[Any]
    y: NDArray[Any]
    call: CallRows
    results: NDArray[Any]
    axis: int
    format: Format
    files: Files

    @property
    def n(self) -> int:
        """Length of a row."""
        return int(self.call.x.shape[-1])

    @property
    def rows(self) -> int:
        """Number of rows."""
        return self.call.rows if self.y.size else 0

    def problem(self, policy: Policy) -> Problem:
        """What the outputs are judged as."""
        own = format_of(self.first)
        return Problem(self.operation, own, self.format, self.axis, policy)

    def blocks(self) -> Iterator[tuple[int, slice]]:
        """First row and rows of each block; rows that share an operand stay together."""
        step = rows_per_block(self.call.numbers, _BLOCK_ELEMENTS)
        together = self.call.others[-1] if self._shares else self.rows
        for start in range(0, self.rows, together):
            for begin in range(start, start + together, step):
                yield begin, slice(begin, min(begin + step, start + together))

    @property
    def _shares(self) -> bool:
        """Whether rows that follow each other have the same numbers in some operand."""
        last = len(self.call.others) - 1
        if last < 0 or self.call.others[last] == 1:
            return False
        return any(each.ndim > last + 2 and not each.strides[last] for each in self.call.operands)

    def inputs(self, rows: slice | NDArray[np.int64]) -> Inputs:
        """Some rows of inputs, read from the files now; logits have the shape (rows, n)."""
        operands = tuple(
            _stored(about, self._rows_of(each, rows))
            for about, each in zip(self.operation.operands, self.call.operands, strict=True)
        )
        return Inputs(self._rows_of(self.call.x, rows), operands)

    def outputs(self, rows: slice | NDArray[np.int64]) -> NDArray[Any]:
        """Some rows of outputs, shape (rows, m)."""
        found = self._rows_of(self.results, rows)
        return found if found.ndim == 2 else found.reshape(len(found), 1)

    def _rows_of(self, array: NDArray[Any], rows: slice | NDArray[np.int64]) -> NDArray[Any]:
        around = self.call.others
        own = array.shape[len(around) :]
        if array.flags.c_contiguous:
            return np.asarray(array.reshape(-1, *own)[rows])
        chosen = np.arange(*rows.indices(self.rows)) if isinstance(rows, slice) else rows
        places = np.unravel_index(chosen, around)
        if len(own) != 1:
            return _shared(array, places, rows)
        gathered = np.empty((chosen.size, *own), array.dtype)
        for start in range(0, own[0], _GATHERED):
            part = slice(start, start + _GATHERED)
            gathered[:, part] = array[..., part][places]
            let_go(array)  # each element of a row may bring megabytes around it into memory
        return gathered

    def let_go(self) -> None:
        """Let go of what was read, so that memory does not grow with the files."""
        for array in (self.first, self.y, *self.call.operands):
            let_go(array)

    def place(self, row: int, index: int) -> list[int]:
        """Where result `index` of row `row` stands in y."""
        around = self.call.others
        lead = [int(each) for each in np.unravel_index(row, around)] if around else []
        if self.results.ndim == len(around):
            return lead
        at = self.axis if self.operation.has_axis else len(lead)
        return [*lead[:at], index, *lead[at:]]


def _shared(
    array: NDArray[Any], places: tuple[NDArray[np.intp], ...], rows: slice | NDArray[np.int64]
) -> NDArray[Any]:
    """Rows that follow each other under the same leading places, without a copy."""
    *leads, last = places
    is_one_block = isinstance(rows, slice) and all((each == each[0]).all() for each in leads)
    if not is_one_block:
        return np.asarray(array[places])
    for each in leads:
        array = array[int(each[0])]
    return np.asarray(array[int(last[0]) : int(last[-1]) + 1])


def _stored(about: Operand, values: NDArray[Any]) -> NDArray[Any]:
    """A mask or a class in the type in which the operations take it."""
    kinds: dict[str, Any] = {"bool": np.bool_, "int": np.int64}
    return values.astype(kinds[about.kind], copy=False) if about.kind in kinds else values


def read_pair(files: Files) -> Pair:
    """Inputs and outputs from files.

    Raises
    ------
    BadData, UnknownName
        If a file is missing or holds no numbers, if shapes do not fit each other, if there is no
        such axis or operand, if every input is NaN, or if an integer input is not exact in float64.
    """
    pair = open_pair(files)
    _check_inputs(files.x, pair.first)
    for about in pair.operation.operands:
        if about.name in files.operands:
            values = _operand(files, about, pair.first)
            _check_operand(about, files.operands[about.name], values, pair.n)
    if files.y_dtype is not None:
        check_rounded(files.y, pair.y, pair.format)
    return pair


def open_pair(files: Files) -> Pair:
    """As `read_pair`, but the values are not looked at."""
    operation = operation_named(files.operation)
    x = _numbers(files)
    if not -x.ndim <= files.axis < x.ndim:
        raise BadData(
            f"--axis {files.axis}: the arrays have {x.ndim} axes; expected {-x.ndim} to "
            f"{x.ndim - 1}"
        )
    if not operation.has_axis and files.axis not in (-1, x.ndim - 1):
        raise BadData(f"--axis {files.axis}: {operation.name} has no axis to choose; leave it out")
    arguments = (x, *_others(files, operation, x))
    call = rows_of(operation, arguments, files.axis)
    expected = operation.shape_of_results(arguments, files.axis)
    if not operation.has_axis:
        expected = (*call.others, expected[-1])
    y = _outputs(files, format_of(x), expected)
    if y.shape != expected:
        wanted = "the same shape" if expected == x.shape else f"{expected}"
        raise BadData(
            f"{files.x} has shape {x.shape} and {files.y} has {y.shape}: expected {wanted}"
        )
    axis = files.axis % x.ndim
    results = np.moveaxis(y, axis, -1) if operation.one_to_one else y
    format = FORMATS[files.y_dtype or y.dtype.name]
    return Pair(operation, x, y, call, results, axis, format, files)


def _numbers(files: Files) -> NDArray[Any]:
    """A plain array, which NumPy cuts several times as fast as its memmap."""
    array = read_array(files.x, Told(files.x_dtype, files.shape))
    try:
        format_of(array)
    except BadData as error:
        raise BadData(f"{files.x}: {error}") from None
    return np.atleast_1d(array.view(np.ndarray))


def _outputs(files: Files, own: Format, expected: tuple[int, ...]) -> NDArray[Any]:
    """The outputs; bits of a format that NumPy lacks may be saved as unsigned integers."""
    told = Told(files.y_dtype or files.x_dtype)
    if is_raw(files.y):
        told = Told(told.dtype or own.name, expected)
    y = read_array(files.y, told).view(np.ndarray)
    if y.dtype.name not in FORMATS:
        raise BadData(
            f"{files.y}: outputs of {y.dtype}: expected one of {', '.join(FORMATS)}, the format "
            "that is to be judged"
        )
    one_result = operation_named(files.operation).one_result
    return y if one_result else np.atleast_1d(y)


def _others(files: Files, operation: Operation, x: NDArray[Any]) -> Iterator[NDArray[Any]]:
    """The arguments after the first one; without a mask of scores all are seen."""
    about = operation.operands if operation.takes_logits else operation.operands[1:]
    names = [each.name for each in about]
    for name in files.operands:
        if name not in names:
            raise unknown(f"operand of {operation.name}", name, names)
    for each in about:
        if each.name in files.operands:
            yield _operand(files, each, x)
        elif each.kind == "bool" and not operation.takes_logits:
            yield _all_seen(files, about, x)
        else:
            raise BadData(
                f"{operation.name} takes {', '.join(names)}: expected --operand "
                f"{each.name}=FILE.npy"
            )


def _operand(files: Files, about: Operand, x: NDArray[Any]) -> NDArray[Any]:
    """An argument after the first one; a raw one has as many numbers as the logits have rows."""
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


def _all_seen(files: Files, about: tuple[Operand, ...], x: NDArray[Any]) -> NDArray[np.bool_]:
    """A mask of one row for all queries, as long as the keys are."""
    keys = next(each for each in about if each.entries == 0)
    return np.ones((1, _operand(files, keys, x).shape[-2]), bool)


def _check_inputs(path: Path, x: NDArray[Any]) -> None:
    if x.dtype.kind in "iu" and x.size:
        flat = x.ravel(order="K")  # as it lies in the file, and so not a copy
        for start in range(0, x.size, _BLOCK_ELEMENTS):
            part = flat[start : start + _BLOCK_ELEMENTS]
            if max(-int(part.min()), int(part.max())) > _LARGEST_EXACT_INTEGER:
                raise BadData(
                    f"{path}: holds integers beyond 2**53, which float64 cannot hold exactly; "
                    "expected inputs as they were given to the kernel, in its own format"
                )
            let_go(x)
    elif x.size and all(np.isnan(part).all() for part in x):
        raise BadData(f"{path}: every value is NaN; expected logits, at least one of them a number")


def _check_operand(about: Operand, path: Path, values: NDArray[Any], n: int) -> None:
    """That an operand holds what it stands for: places of logits, True and False, or floats."""
    kind = values.dtype.kind
    if about.kind == "float":
        if values.dtype.name not in FORMATS and kind not in "iu":
            raise BadData(f"{path}: {about.name} of {values.dtype}: expected floats")
        return
    if kind not in "biu":
        wanted = "places of logits" if about.is_class else "True where a logit is seen"
        raise BadData(f"{path}: {about.name} of {values.dtype}: expected {wanted}")
    least, most = (int(each) for each in (values.min(initial=0), values.max(initial=0)))
    last = n - 1 if about.is_class else 1
    if least < 0 or most > last:
        wrong = least if least < 0 else most
        raise BadData(f"{path}: {about.name} holds {wrong}: expected 0 to {last}")


def check_rounded(path: Path, y: NDArray[Any], format: Format) -> None:
    """That outputs in a wider type are numbers of the format that they are judged as."""
    flat = y.ravel(order="K")
    for start in range(0, y.size, _BLOCK_ELEMENTS):
        part = flat[start : start + _BLOCK_ELEMENTS].astype(np.float64)
        with np.errstate(over="ignore", invalid="ignore"):
            rounded = part.astype(format.dtype).astype(np.float64)
        wrong = (rounded != part) & ~np.isnan(part)
        if wrong.any():
            raise BadData(
                f"{path}: holds {part[wrong][0]!r}, which is no {format.name}: expected outputs "
                "that were rounded to that format"
            )
