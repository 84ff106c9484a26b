"""The smallest row that still shows a fault: fewer entries, then simpler ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax_harness.check.contract.budget import room_for_a_witness
from softmax_harness.check.contract.elements import Judgement, asked_of, judge
from softmax_harness.inputs import witness
from softmax_harness.inputs.written import is_short, literal_text
from softmax_harness.operations import Inputs, Operand, taken
from softmax_harness.subjects.subject import Subject

_MOST_ELEMENTS = 1 << 22  # that are judged on the way
_MOST_AT_ONCE = 16
_MOST_TRIED = 64  # rows of a block
_DIGITS = (0, 1, 2, 4)


@dataclass(frozen=True)
class Place:
    """An element of a row that shows a fault when the row is computed alone.

    Attributes
    ----------
    text : str
        The witness.
    error, limit : float
        In ulp, by mpmath.
    told : str
        What was computed and what is right.
    """

    text: str
    error: float
    limit: float
    told: str


def smallest(subject: Subject, kind: str, row: Inputs, text: str) -> Place | None:
    """The smallest row found that shows the kind of fault; None if even `row` does not, alone.

    Entries are left out in ever smaller groups as long as the fault remains (Zeller's delta
    debugging), then replaced by rounder numbers. Where that leaves a long row, the witness is
    `text`, that of `row` itself.
    """
    search = Search(subject, kind)
    if search.shown([row]) is None:
        return None
    found = reduced(search, row)
    return search.place(row, text) if found is None else search.place(found, None)


def smallest_raising(subject: Subject, text: str) -> str:
    """The witness of a row that is refused alone, out of the block of the witness `text`.

    `text` itself where no single row of it is refused, or where the row is too long to write.
    """
    found = witness.parse(text, subject.problem.operation)
    block = Inputs(found.block, found.operands)
    rows = [block.row(place) for place in range(min(len(block.x), _MOST_TRIED))]
    search = _RaisingSearch(subject, "raised")
    first = search.shown(rows)
    smaller = None if first is None else reduced(search, rows[first])
    return text if smaller is None else literal_text(subject.problem, smaller, 0)


def reduced(search: Search, row: Inputs) -> Inputs | None:
    """The smallest row found that shows what `row` shows; None where that is too long to write."""
    fewer = _fewer(search, row)
    return _simpler(search, fewer) if is_short(fewer) else None


class Search:
    """Rows put to the implementation one by one, within a budget of elements."""

    def __init__(self, subject: Subject, kind: str) -> None:
        self.subject, self.kind = subject, kind
        room = room_for_a_witness(subject.pace)
        self._elements = min(room.elements, _MOST_ELEMENTS)
        self._calls = room.calls

    @property
    def about(self) -> tuple[Operand, ...]:
        """The operands of the operation."""
        return self.subject.problem.operation.operands

    def shown(self, rows: list[Inputs]) -> int | None:
        """The first of the rows that shows the fault."""
        if not self.has_room(rows):
            return None
        replies = self.subject.ask([self.subject.request(*row) for row in rows])
        for position, (row, reply) in enumerate(zip(rows, replies, strict=True)):
            if reply.y is not None and self.is_shown(row, reply.y):
                return position
        return None

    def has_room(self, rows: list[Inputs]) -> bool:
        """Whether there are rows, and they still fit into what may be asked."""
        self._elements -= sum(row.size for row in rows)
        self._calls -= len(rows)
        return bool(rows) and self._elements >= 0 and self._calls >= 0

    def is_shown(self, row: Inputs, y: NDArray[Any]) -> bool:
        """Whether an answer shows the fault."""
        return self.kind in self._judged(row, y).kinds()

    def _judged(self, row: Inputs, y: NDArray[Any], tier: str = "screened") -> Judgement:
        asked = asked_of(self.subject, *row, tier=tier)
        return judge(asked, y, flushes=not self.subject.promises("subnormals"))

    def place(self, row: Inputs, text: str | None) -> Place | None:
        """The fault in a row that was found to show it, judged by mpmath."""
        (reply,) = self.subject.ask([self.subject.request(*row)])
        if reply.y is None:
            return None
        found = self._judged(row, reply.y, "mpmath")
        if not found.count(self.kind):
            return None
        _, index = found.worst(self.kind)
        error, limit = found.excess(0, index)
        own = literal_text(self.subject.problem, row, index)
        return Place(text or own, error, limit, found.told(0, index))


class _RaisingSearch(Search):
    """The same for rows that are refused with an exception."""

    def shown(self, rows: list[Inputs]) -> int | None:
        """The first of the rows that is refused."""
        if not self.has_room(rows):
            return None
        replies = self.subject.ask([self.subject.request(*row) for row in rows])
        return next((place for place, reply in enumerate(replies) if reply.refused), None)


def _fewer(search: Search, row: Inputs) -> Inputs:
    parts = 2
    while (n := row.x.shape[-1]) > 1:
        parts = min(parts, n)
        orders = [np.delete(np.arange(n), cut)[None] for cut in _cuts(n, parts)]
        without = [taken(row, search.about, order) for order in orders if order.size]
        left = [each for each in without if each is not None]
        found = search.shown(left)
        if found is not None:
            row = left[found]
        elif parts == n:
            break
        else:
            parts *= 2
    return row


def _cuts(n: int, parts: int) -> list[slice]:
    """The first few of so many parts of n entries, in size as equal as can be."""
    size, more = divmod(n, parts)
    ends = [place * size + min(place, more) for place in range(min(parts, _MOST_AT_ONCE) + 1)]
    return [slice(start, stop) for start, stop in pairwise(ends)]


def _simpler(search: Search, row: Inputs) -> Inputs:
    """Each entry in turn by the roundest number that keeps the fault, then whole operands."""
    for place in range(row.x.size):
        candidates = [row._replace(x=_with(row.x, place, v)) for v in _rounder(row.x[0, place])]
        found = search.shown(candidates)
        if found is not None:
            row = candidates[found]
    for place, about in enumerate(search.about):
        if about.kind != "float":
            continue
        rounder = _rounder_arrays(row.operands[place])
        candidates = [_with_operand(row, place, each) for each in rounder]
        found = search.shown(candidates)
        if found is not None:
            row = candidates[found]
    return row


def _rounder(value: Any) -> Iterator[float]:
    exact = float(value)
    if not np.isfinite(exact):
        return
    for digits in _DIGITS:
        rounded = round(exact, digits)
        if rounded != exact:
            yield rounded


def _rounder_arrays(values: NDArray[Any]) -> Iterator[NDArray[Any]]:
    exact = values.astype(np.float64)
    for digits in _DIGITS:
        with np.errstate(over="ignore", invalid="ignore"):
            rounded = np.round(exact, digits).astype(values.dtype)
        if not np.array_equal(rounded, values):
            yield rounded


def _with(x: NDArray[Any], place: int, value: float) -> NDArray[Any]:
    changed = x.copy()
    changed[0, place] = value
    return changed


def _with_operand(row: Inputs, place: int, values: NDArray[Any]) -> Inputs:
    operands = list(row.operands)
    operands[place] = values
    return Inputs(row.x, tuple(operands))
