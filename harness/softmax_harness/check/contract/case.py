"""An unusual call: it must get every row right that a simpler call of these rows gets right."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from softmax_harness.check.contract.sample import Sample
from softmax_harness.operations import Arrangement, Inputs, Operands, Problem, joined
from softmax_harness.subjects.layouts import LAYOUTS, REPEATING
from softmax_harness.subjects.request import Request

# The capability without which it is no fault to fail a case of a kind.
_NEEDS = {"axis": "axes", "empty": "empty", "scalar": "scalar", "integers": "integers"}


class Among(NamedTuple):
    """Which rows of which inputs a case has: their truth is found once for all such cases."""

    whole: Inputs
    rows: NDArray[np.int64]

    @property
    def inputs(self) -> Inputs:
        """The rows."""
        return self.whole.rows(self.rows)


@dataclass(frozen=True)
class Case:
    """A call that is unusual in something other than its numbers.

    Attributes
    ----------
    kind : str
        The part of the contract it belongs to, and the kind of its finding.
    told : str
        What is particular about the call.
    blocks : tuple of Inputs
        The rows and their operands, one block after another; one block but for some whole calls.
    shape : tuple of int
        Of the logits in the call, in which the rows stand along `axis`.
    axis : int or None
        None for a call without an axis, which means the last.
    layouts : tuple of str
        How each argument of the call lies in memory, as in
        `softmax_harness.subjects.request.Request`; empty for contiguous ones.
    arguments : tuple of ndarray or None
        Those of the call, where its rows share operands; None where they are the rows', placed.
    among : Among or None
        Where the rows are from, if other cases have them too.
    sample : Sample or None
        Which of the results of a whole call the rows have; None where these are all.
    """

    kind: str
    told: str
    blocks: tuple[Inputs, ...]
    shape: tuple[int, ...]
    axis: int | None = -1
    layouts: tuple[str, ...] = ()
    arguments: Operands | None = None
    among: Among | None = None
    sample: Sample | None = None

    @cached_property
    def inputs(self) -> Inputs:
        """All rows; those of a block that share operands get a copy each beside other blocks."""
        return joined(self.blocks)

    @property
    def rows(self) -> int:
        """How many there are."""
        return sum(len(each.x) for each in self.blocks)

    @property
    def n(self) -> int:
        """The length of a row."""
        return int(self.blocks[0].x.shape[-1])

    @property
    def dtype(self) -> np.dtype[Any]:
        """That of the logits."""
        return self.blocks[0].x.dtype

    @property
    def size(self) -> int:
        """How many numbers all rows of the call are, see `Inputs.size`."""
        size = sum(each.size for each in self.blocks)
        return size if self.sample is None else size * self.sample.of // self.rows

    @property
    def needs(self) -> str | None:
        """The capability without which it is not a fault to fail."""
        return _NEEDS.get(self.kind)

    @property
    def is_along_another_axis(self) -> bool:
        """Whether the rows lie along another axis than the last."""
        return self.axis not in (None, -1, len(self.shape) - 1)

    @property
    def is_plain(self) -> bool:
        """Whether nothing but the number of rows, and of their axes, is unusual."""
        return not self.is_along_another_axis and {*self.layouts} <= {"contiguous"}

    @property
    def alone(self) -> bool:
        """Whether the simpler call takes each row alone, or all rows as they are."""
        return self.kind == "batch"

    @property
    def is_masked(self) -> bool:
        """Whether it is a whole call with a mask that hides something."""
        return any(each.dtype == bool and not each.all() for each in self.arguments or ())

    @property
    def arrangement(self) -> Arrangement:
        """How the rows stand in the call."""
        return Arrangement(self.shape, -1 if self.axis is None else self.axis)

    @property
    def is_integer(self) -> bool:
        """Whether the logits are integers."""
        return self.dtype.kind in "iu"

    @property
    def has_simpler(self) -> bool:
        """Whether its rows can be had in a simpler call of the same dtype."""
        return self.rows * self.n > 0 and bool(self.shape) and not self.is_integer

    def request(self, problem: Problem, known: Placed | None = None) -> Request:
        """The call, of a problem for the dtype of the logits.

        Parameters
        ----------
        known : Placed or None
            Arguments of other cases, whose rows live meanwhile.
        """
        arguments = self.arguments
        if arguments is None:
            arguments = known.arguments(self, problem) if known else self.placed(problem)
        return Request(problem.along(self.axis), arguments, self.layouts or "contiguous")

    def placed(self, problem: Problem) -> Operands:
        """The rows and their operands in the shape of the call."""
        return tuple(map(self.arrangement.placed, self._arguments(problem)))

    def seen(self, problem: Problem) -> Inputs:
        """The rows as the layouts leave them; some let every row see the first one's numbers.

        Those of a whole call leave all numbers as they are.
        """
        if not REPEATING.intersection(self.layouts) or self.arguments is not None:
            return self.inputs
        place, operation = self.arrangement, problem.operation
        dims = [each.ndim - 1 for each in self._arguments(problem)]
        arguments = [
            place.as_rows(LAYOUTS[layout](each), ndim)
            for each, layout, ndim in zip(self.placed(problem), self.layouts, dims, strict=True)
        ]
        if operation.takes_logits:
            return Inputs(arguments[0], tuple(arguments[1:]))
        return Inputs(self.inputs.x, tuple(arguments))

    def rows_of(self, y: NDArray[Any], problem: Problem) -> NDArray[Any]:
        """What the call gave back, as rows of results."""
        if self.arguments is None:
            y = self.arrangement.as_rows(y, problem.operation.result_ndim)
        if self.sample is not None:
            return y.reshape((self.sample.of, -1))[self.sample.places]
        return y.reshape((self.rows, -1))

    def place_of(self, row: int) -> int:
        """Which of the rows of the call one of these is."""
        return row if self.sample is None else int(self.sample.places[row])

    def _arguments(self, problem: Problem) -> Operands:
        return problem.operation.called_with(*self.inputs)


class Placed:
    """The arguments of cases, made once for all that have the same rows in the same shape.

    Rows are told apart by being the same objects, so that these must live as long.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[Any, ...], Operands] = {}

    def arguments(self, case: Case, problem: Problem) -> Operands:
        """Those of a case without arguments of its own."""
        key = (*map(id, case.blocks), case.arrangement)
        if key not in self._known:
            self._known[key] = case.placed(problem)
        return self._known[key]
