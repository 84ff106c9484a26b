"""Inputs and outputs of any layout, in memory or in files, read block by block."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.arrays import in_file
from softmax_harness.ground.errors import BadData, unknown
from softmax_harness.ground.formats import Format, format_of
from softmax_harness.ground.memory import rows_per_block
from softmax_harness.ground.npy import let_go
from softmax_harness.operations import (
    DEFAULT_OPERATION,
    Inputs,
    Operand,
    Operation,
    Policy,
    Problem,
)
from softmax_harness.operations.calls import CallRows, rows_of

# Three times what a run judges at once: with one y for each x the calls weigh more, measured.
BLOCK_ELEMENTS = 3 << 16
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


def check_call(
    operation: Operation, ndim: int, axis: int, operands: Iterable[str], axis_called: str
) -> None:
    """That an operation can be asked for on arrays of `ndim` axes, with operands of these names.

    Raises
    ------
    BadData, UnknownName
        If there is no such axis or operand.
    """
    if not -ndim <= axis < ndim:
        raise BadData(f"{axis_called}: the arrays have {ndim} axes; expected {-ndim} to {ndim - 1}")
    if not operation.has_axis and axis not in (-1, ndim - 1):
        raise BadData(f"{axis_called}: {operation.name} has no axis to choose; leave it out")
    about = operation.operands if operation.takes_logits else operation.operands[1:]
    names = [each.name for each in about]
    for name in operands:
        if not names:
            raise BadData(f"{name} was given, but {operation.name} takes logits alone")
        if name not in names:
            raise unknown(f"operand of {operation.name}", name, names)


@dataclass(frozen=True)
class Given:
    """The arguments of a call, and what they are called where one does not fit the others.

    That there are such an axis and such operands, `check_call` has seen to.

    Attributes
    ----------
    operation : Operation
    first : ndarray
        The first argument.
    operands : mapping of str to ndarray
        The other arguments, by name.
    axis : int
    called : mapping of str to str
        What a message calls an array, by the name of its parameter; ``y`` is what came back.
    wanted : str
        How a missing operand is given, with ``{}`` for its name.
    own_format : Format or None
        Of the first argument, where its numbers stand in a wider type.
    """

    operation: Operation
    first: NDArray[Any]
    operands: Mapping[str, NDArray[Any]]
    axis: int
    called: Mapping[str, str]
    wanted: str
    own_format: Format | None = None

    @property
    def format(self) -> Format:
        """Of the first argument; integers count as float64."""
        return self.own_format or format_of(self.first)

    def rows(self) -> tuple[CallRows, tuple[int, ...]]:
        """The rows of the call, and the shape of what comes back.

        Raises
        ------
        BadData
            If an operand is missing, or shapes do not fit each other.
        """
        arguments = (self.first, *_others(self))
        call = rows_of(self.operation, arguments, self.axis)
        expected = self.operation.shape_of_results(arguments, self.axis)
        if not self.operation.has_axis:
            expected = (*call.others, expected[-1])
        return call, expected


@dataclass(frozen=True)
class Pair:
    """Inputs and the outputs computed from them.

    Attributes
    ----------
    operation : Operation
    first : ndarray
        The first argument.
    y : ndarray
        The outputs; neither is loaded into memory from a file.
    call : CallRows
        The inputs as rows.
    results : ndarray, shape (*call.others, ...)
        The outputs beside these rows.
    axis : int
        The axis of the operation, counted from 0.
    format : Format
        Of y: the format that is judged.
    files : Files or None
        Where it lies; None where it is in memory alone, so that no other process can open it.
    own_format : Format or None
        As in `Given`.
    """

    operation: Operation
    first: NDArray[Any]
    y: NDArray[Any]
    call: CallRows
    results: NDArray[Any]
    axis: int
    format: Format
    files: Files | None = None
    own_format: Format | None = None

    @property
    def n(self) -> int:
        """Length of a row."""
        return int(self.call.x.shape[-1])

    @property
    def rows(self) -> int:
        """Number of rows."""
        return self.call.rows if self.y.size else 0

    @property
    def input_format(self) -> Format:
        """Of the first argument; integers count as float64."""
        return self.own_format or format_of(self.first)

    def problem(self, policy: Policy) -> Problem:
        """What the outputs are judged as."""
        return Problem(self.operation, self.input_format, self.format, self.axis, policy)

    def blocks(self) -> Iterator[tuple[int, slice]]:
        """First row and rows of each block; rows that share an operand stay together."""
        step = rows_per_block(self.call.numbers, BLOCK_ELEMENTS)
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
            return np.asarray(array.reshape(self.rows, *own)[rows])
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


def pair_of(given: Given, y: NDArray[Any], y_format: Format) -> Pair:
    """The pair of a call and the outputs computed from it; `y_format` is judged.

    Raises
    ------
    BadData
        As `Given.rows`, and if the outputs have another shape than is expected of them.
    """
    operation, x = given.operation, given.first
    call, expected = given.rows()
    if y.shape != expected:
        wanted = "the same shape" if expected == x.shape else f"{expected}"
        name = given.called[operation.parameters[0]]
        raise BadData(
            f"{name} has shape {x.shape} and {given.called['y']} has {y.shape}: expected {wanted}"
        )
    axis = given.axis % x.ndim
    results = np.moveaxis(y, axis, -1) if operation.one_to_one else y
    own = given.own_format
    return Pair(operation, x, y, call, results, axis, y_format, own_format=own)


def _others(given: Given) -> Iterator[NDArray[Any]]:
    """The arguments after the first one; what may be left out is made where it is."""
    operation = given.operation
    about = operation.operands if operation.takes_logits else operation.operands[1:]
    names = [each.name for each in about]
    for each in about:
        if each.name in given.operands:
            yield given.operands[each.name]
        elif each.absent is not None:
            yield _absent(given, about, each)
        else:
            raise BadData(
                f"{operation.name} takes {', '.join(names)}: expected "
                f"{given.wanted.format(each.name)}"
            )


def _absent(given: Given, about: tuple[Operand, ...], left_out: Operand) -> NDArray[Any]:
    """What stands for an operand that was left out: one row for all, as long as the keys are."""
    keys = next(each for each in about if each.entries == 0)
    shape = (1, *given.operands[keys.name].shape[-2:-1])
    return _stored(left_out, np.full(shape, left_out.absent))
