"""Inputs and outputs in two files, of any layout, read block by block."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.errors import BadData
from softmax_harness.ground.formats import FORMATS, Format, format_of
from softmax_harness.ground.memory import rows_per_block
from softmax_harness.ground.npy import let_go, read_npy
from softmax_harness.operations import OPERATIONS, Policy, Problem

_LARGEST_EXACT_INTEGER = 2**53
# Three times what a run judges at once: with one y for each x the calls weigh more, measured.
_BLOCK_ELEMENTS = 3 << 16
# Elements of each row that are read at once where a row's elements do not lie side by side.
_GATHERED = 8


@dataclass(frozen=True)
class Pair:
    """Inputs and the outputs computed from them, both of one shape.

    Attributes
    ----------
    x, y : ndarray
        The same shape, at least one axis; not loaded into memory.
    axis : int
        The axis of the softmax, counted from 0.
    format : Format
        Of y: the format that is judged.
    paths : tuple of Path
        The files of x and y, from which another process opens them.
    """

    x: NDArray[Any]
    y: NDArray[Any]
    axis: int
    format: Format
    paths: tuple[Path, Path]

    @property
    def n(self) -> int:
        """Length of a row."""
        return int(self.x.shape[self.axis])

    @property
    def rows(self) -> int:
        """Number of rows."""
        return self.x.size // self.n if self.x.size else 0

    def problem(self, policy: Policy) -> Problem:
        """What the outputs are judged as."""
        operation = OPERATIONS["softmax"]
        return Problem(operation, format_of(self.x), self.format, self.axis, policy)

    def blocks(self) -> Iterator[tuple[int, slice]]:
        """First row and rows of each block."""
        step = rows_per_block(self.n, _BLOCK_ELEMENTS)
        for start in range(0, self.rows, step):
            yield start, slice(start, min(start + step, self.rows))

    def block(self, rows: slice | NDArray[np.int64]) -> tuple[NDArray[Any], NDArray[Any]]:
        """Some rows of inputs and outputs, shape (rows, n), read from the files now."""
        return self.inputs(rows), self.outputs(rows)

    def inputs(self, rows: slice | NDArray[np.int64]) -> NDArray[Any]:
        """Some rows of inputs."""
        return self._rows_of(self.x, rows)

    def outputs(self, rows: slice | NDArray[np.int64]) -> NDArray[Any]:
        """Some rows of outputs."""
        return self._rows_of(self.y, rows)

    def _rows_of(self, array: NDArray[Any], rows: slice | NDArray[np.int64]) -> NDArray[Any]:
        moved = np.moveaxis(array, self.axis, -1)
        if moved.flags.c_contiguous:
            return np.asarray(moved.reshape(-1, self.n)[rows])
        chosen = np.arange(*rows.indices(self.rows)) if isinstance(rows, slice) else rows
        places = np.unravel_index(chosen, moved.shape[:-1])
        gathered = np.empty((chosen.size, self.n), array.dtype)
        for start in range(0, self.n, _GATHERED):
            part = slice(start, start + _GATHERED)
            gathered[:, part] = moved[..., part][places]
            let_go(array)  # each element of a row may bring megabytes around it into memory
        return gathered

    def let_go(self) -> None:
        """Let go of what was read, so that memory does not grow with the files."""
        for array in (self.x, self.y):
            let_go(array)

    def place(self, row: int, index: int) -> list[int]:
        """Where element `index` of row `row` stands in x and y."""
        others = np.delete(self.x.shape, self.axis)
        lead = [int(each) for each in np.unravel_index(row, tuple(others))] if len(others) else []
        return [*lead[: self.axis], index, *lead[self.axis :]]


def read_pair(x_path: Path, y_path: Path, axis: int) -> Pair:
    """Inputs and outputs from two .npy files.

    Raises
    ------
    BadData
        If either is missing or holds no floats, if the shapes differ, if there is no such axis,
        if every input is NaN, or if an integer input is not exact in float64.
    """
    pair = open_pair(x_path, y_path, axis)
    _check_inputs(x_path, pair.x)
    return pair


def open_pair(x_path: Path, y_path: Path, axis: int) -> Pair:
    """As `read_pair`, but the values of the inputs are not looked at."""
    x, y = read_npy(x_path), read_npy(y_path)
    for path, array in ((x_path, x), (y_path, y)):
        try:
            format_of(array)
        except BadData as error:
            raise BadData(f"{path}: {error}") from None
    if y.dtype.name not in FORMATS:
        raise BadData(
            f"{y_path}: outputs of {y.dtype}: expected one of {', '.join(FORMATS)}, the format "
            "that is to be judged"
        )
    if x.shape != y.shape:
        raise BadData(
            f"{x_path} has shape {x.shape} and {y_path} has {y.shape}: expected the same shape"
        )
    # Plain arrays, which NumPy cuts several times as fast as its memmap.
    x, y = np.atleast_1d(x.view(np.ndarray)), np.atleast_1d(y.view(np.ndarray))
    if not -x.ndim <= axis < x.ndim:
        raise BadData(
            f"--axis {axis}: the arrays have {x.ndim} axes; expected {-x.ndim} to {x.ndim - 1}"
        )
    return Pair(x, y, axis % x.ndim, FORMATS[y.dtype.name], (x_path, y_path))


def _check_inputs(path: Path, x: NDArray[Any]) -> None:
    if x.dtype.kind in "iu" and x.size:
        flat = x.ravel(order="K")  # as it lies in the file, and so not a copy
        for start in range(0, x.size, _BLOCK_ELEMENTS):
            part = flat[start : start + _BLOCK_ELEMENTS]
            if max(-int(part.min()), int(part.max())) > _LARGEST_EXACT_INTEGER:
                raise BadData(
                    f"{path}: holds integers beyond 2**53, which float64 cannot hold exactly; "
                    "expected inputs as they were given to the softmax, in its own format"
                )
            let_go(x)
    elif x.size and all(np.isnan(part).all() for part in x):
        raise BadData(f"{path}: every value is NaN; expected logits, at least one of them a number")
