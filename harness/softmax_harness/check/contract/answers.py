"""What came back for cases, judged: rows of one length together, and each result of a row once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from operator import itemgetter
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from softmax_harness.check.contract.case import Among, Case
from softmax_harness.check.contract.elements import Judgement, asked_of, judge
from softmax_harness.check.contract.together import alike, parts_of
from softmax_harness.ground.row_reductions import row_all
from softmax_harness.operations import Inputs, joined
from softmax_harness.subjects.request import Reply
from softmax_harness.subjects.subject import Subject

_LAYERS = 8  # whoever gives more results of one row has each judged as often as it gives it


class Judged(NamedTuple):
    """Rows that were judged.

    Attributes
    ----------
    whole : Judgement
        Of all results of cases that were judged together.
    places : ndarray of int64
        Where each of the rows stands in it.
    """

    whole: Judgement
    places: NDArray[np.int64]


@dataclass
class Answer:
    """What came back for a case.

    Attributes
    ----------
    subject : Subject
        With the problem that the case has.
    case : Case
    reply : Reply
    judged : list of Judged
        Its rows, one after another; none where there is nothing to judge.
    """

    subject: Subject
    case: Case
    reply: Reply
    judged: list[Judged] = field(init=False, default_factory=list)

    @cached_property
    def inputs(self) -> Inputs:
        """The rows as the call saw them."""
        return self.case.seen(self.subject.problem)

    @property
    def y(self) -> NDArray[Any]:
        """The results, a row for each row of the inputs."""
        assert self.reply.y is not None
        return self.case.rows_of(self.reply.y, self.subject.problem)

    @property
    def has_results(self) -> bool:
        """Whether there is anything to judge."""
        return self.reply.y is not None and self.reply.y.size > 0 and self.case.n > 0

    @property
    def among(self) -> tuple[Among, ...]:
        """Which rows of which inputs it has, one after another."""
        if self.case.among is not None:
            return (self.case.among,)
        blocks = (self.inputs,) if self.case.arguments is None else self.case.blocks
        return tuple(Among(each, np.arange(len(each.x))) for each in blocks)

    @property
    def wrong_rows(self) -> NDArray[np.int64]:
        """The rows of the case that have a fault."""
        return np.flatnonzero(_chained(each.whole.has_fault[each.places] for each in self.judged))

    def judgement_of(self, row: int) -> tuple[Judgement, int]:
        """The judgement that a row of the case has, and its place there."""
        for each in self.judged:
            if row < len(each.places):
                return each.whole, int(each.places[row])
            row -= len(each.places)
        raise IndexError(row)


def judged_answers(subject: Subject, cases: list[Case], replies: list[Reply]) -> list[Answer]:
    """The cases with their replies and what is to be said of these."""
    answers = [
        Answer(replace(subject, problem=subject.problem_for(case.dtype)), case, reply)
        for case, reply in zip(cases, replies, strict=True)
    ]
    due = [each for each in answers if each.has_results]
    for is_integer in (False, True):  # which are judged as float64
        _judge([each for each in due if each.case.is_integer == is_integer])
    return answers


@dataclass
class _Layer:
    """One result of each row, where there is one: its bits, and its place among all results."""

    bits: NDArray[Any]
    places: NDArray[np.int64]


class _Part(NamedTuple):
    """Rows of a case, the number of the block that they are, and their places in a source."""

    answer: Answer
    block: int
    places: NDArray[np.int64]


@dataclass
class _Source:
    """Inputs whose rows cases have, with these and the different results of each row.

    Most cases give the same bits for a row, which are judged once: those of the first case are a
    layer, those that differ from them the next.
    """

    whole: Inputs
    parts: list[_Part] = field(default_factory=list)
    rows: list[NDArray[np.int64]] = field(default_factory=list)
    results: list[NDArray[Any]] = field(default_factory=list)
    _layers: list[_Layer] = field(default_factory=list)

    @property
    def count(self) -> int:
        """How many different results there are."""
        return sum(map(len, self.rows))

    def places_of(self, rows: NDArray[np.int64], y: NDArray[Any]) -> NDArray[np.int64]:
        """Note results y of some rows; for each, which of all results it has."""
        bits = y.view(f"u{y.dtype.itemsize}")
        places = np.empty(len(rows), np.int64)
        left = np.arange(len(rows))
        for depth in range(_LAYERS):
            if not left.size:
                break
            layer = self._layer(depth, bits)
            own = rows[left]
            is_new = layer.places[own] < 0
            if is_new.any():
                row, first = _first_places(own[is_new])
                first = left[is_new][first]
                layer.places[row] = self._noted(row, y[first])
                layer.bits[row] = bits[first]
                if len(row) == len(own):  # each was new, and stands once
                    places[left] = layer.places[own]
                    return places
            is_same = row_all(layer.bits[own] == bits[left])
            places[left[is_same]] = layer.places[own[is_same]]
            left = left[~is_same]
        if left.size:
            places[left] = self._noted(rows[left], y[left])
        return places

    def _layer(self, depth: int, bits: NDArray[Any]) -> _Layer:
        if depth == len(self._layers):
            size = len(self.whole.x)
            empty = np.zeros((size, *bits.shape[1:]), bits.dtype)
            self._layers.append(_Layer(empty, np.full(size, -1)))
        return self._layers[depth]

    def _noted(self, rows: NDArray[np.int64], results: NDArray[Any]) -> NDArray[np.int64]:
        """The places that new results of some rows have."""
        start = self.count
        self.rows.append(rows)
        self.results.append(results)
        return np.arange(start, start + len(rows))


class _Sources:
    """One source for all inputs that are the same, of however many cases."""

    def __init__(self) -> None:
        self.all: list[_Source] = []
        self._known: dict[int, _Source] = {}  # by the inputs themselves, which many cases share
        self._alike: dict[tuple[Any, ...], list[_Source]] = {}

    def of(self, whole: Inputs) -> _Source:
        """That of these inputs."""
        found = self._known.get(id(whole))
        if found is None:
            found = self._known[id(whole)] = self._same(whole)
        return found

    def _same(self, whole: Inputs) -> _Source:
        alike = self._alike.setdefault(whole.fingerprint, [])
        for each in alike:
            if each.whole.has_bits_of(whole):
                return each
        alike.append(_Source(whole))
        self.all.append(alike[-1])
        return alike[-1]


def _judge(answers: list[Answer]) -> None:
    """Judge what are answers to one problem."""
    sources = _Sources()
    for each in answers:
        left = np.ascontiguousarray(each.y)
        for block, (whole, rows) in enumerate(each.among):
            source = sources.of(whole)
            places = source.places_of(rows, left[: len(rows)])
            source.parts.append(_Part(each, block, places))
            left = left[len(rows) :]
    several = sources.all
    found: list[_Found] = []
    for some in alike(each.whole for each in several):
        found += _judged_together([several[place] for place in some])
    for _, answer, judged in sorted(found, key=itemgetter(0)):
        answer.judged.append(judged)


_Found = tuple[int, Answer, Judged]  # first the number of the block


def _judged_together(sources: list[_Source]) -> Iterator[_Found]:
    """Judge the rows of inputs that are `alike`."""
    subject = sources[0].parts[0].answer.subject
    asked = asked_of(subject, *joined([each.whole for each in sources]))
    if sum(each.count for each in sources) > len(asked.x):
        asked.prepare()
    starts = [part.start for part in parts_of(len(each.whole.x) for each in sources)]
    rows = _chained(
        start + own for start, each in zip(starts, sources, strict=True) for own in each.rows
    )
    y = _chained(own for each in sources for own in each.results)
    if not np.array_equal(rows, np.arange(len(asked.x))):
        asked = asked.rows(rows)
    judged = judge(asked, y, not subject.promises("subnormals"))
    for source, part in zip(sources, parts_of(each.count for each in sources), strict=True):
        for answer, block, places in source.parts:
            yield block, answer, Judged(judged, places + part.start)


def _first_places(rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Which rows there are, and where each stands first."""
    if (rows[1:] > rows[:-1]).all():  # as most stand in order, each once
        return rows, np.arange(len(rows))
    return np.unique(rows, return_index=True)


def _chained(arrays: Iterable[NDArray[Any]]) -> NDArray[Any]:
    return np.concatenate(list(arrays))
