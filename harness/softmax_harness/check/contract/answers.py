"""What came back for cases, judged: rows of one length together, and each result of a row once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax_harness.check.contract.case import Among, Case
from softmax_harness.check.contract.elements import Judgement, asked_of, judge
from softmax_harness.check.contract.together import alike, joined, parts_of
from softmax_harness.ground.row_reductions import row_all
from softmax_harness.operations import Inputs
from softmax_harness.subjects.request import Reply
from softmax_harness.subjects.subject import Subject

_LAYERS = 8  # whoever gives more results of one row has each judged as often as it gives it


@dataclass
class Answer:
    """What came back for a case.

    Attributes
    ----------
    subject : Subject
        With the problem that the case has.
    case : Case
    reply : Reply
    inputs : Inputs
        The rows as the call saw them.
    judged : Judgement or None
        Of results that the cases of the same inputs have. None where there is nothing to judge.
    places : ndarray of int64
        Where each row of the case stands in `judged`.
    """

    subject: Subject
    case: Case
    reply: Reply
    inputs: Inputs = field(init=False)
    judged: Judgement | None = field(init=False, default=None)
    places: NDArray[np.int64] = field(init=False, repr=False)  # there once it is judged

    def __post_init__(self) -> None:
        self.inputs = self.case.seen(self.subject.problem)

    @property
    def y(self) -> NDArray[Any]:
        """The results, a row for each row of the inputs."""
        assert self.reply.y is not None
        return self.case.rows_of(self.reply.y, self.subject.problem)

    @property
    def has_results(self) -> bool:
        """Whether there is anything to judge."""
        return self.reply.y is not None and self.reply.y.size > 0 and self.inputs.x.shape[-1] > 0

    @property
    def among(self) -> Among:
        """Which rows of which inputs it has."""
        return self.case.among or Among(self.inputs, np.arange(len(self.inputs.x)))

    @property
    def wrong_rows(self) -> NDArray[np.int64]:
        """The rows of the case that have a fault."""
        assert self.judged is not None
        return np.flatnonzero(self.judged.has_fault[self.places])


def judged_answers(subject: Subject, cases: list[Case], replies: list[Reply]) -> list[Answer]:
    """The cases with their replies and what is to be said of these."""
    answers = [
        Answer(replace(subject, problem=subject.problem_for(case.inputs.x)), case, reply)
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


@dataclass
class _Source:
    """Inputs whose rows cases have, with these and the different results of each row.

    Most cases give the same bits for a row, which are judged once: those of the first case are a
    layer, those that differ from them the next.
    """

    whole: Inputs
    answers: list[Answer] = field(default_factory=list)
    rows: list[NDArray[np.int64]] = field(default_factory=list)
    results: list[NDArray[Any]] = field(default_factory=list)
    _layers: list[_Layer] = field(default_factory=list)

    @property
    def count(self) -> int:
        """How many different results there are."""
        return sum(map(len, self.rows))

    def add(self, answer: Answer) -> None:
        """Note the results of a case, and for each row which of all results it has."""
        rows, y = answer.among.rows, np.ascontiguousarray(answer.y)
        bits = y.view(f"u{y.dtype.itemsize}")
        answer.places = np.empty(len(rows), np.int64)
        left = np.arange(len(rows))
        for depth in range(_LAYERS):
            if not left.size:
                break
            layer = self._layer(depth, bits)
            own = rows[left]
            is_new = layer.places[own] < 0
            if is_new.any():
                row, first = np.unique(own[is_new], return_index=True)
                first = left[is_new][first]
                layer.places[row] = self._noted(row, y[first])
                layer.bits[row] = bits[first]
            is_same = row_all(layer.bits[own] == bits[left])
            answer.places[left[is_same]] = layer.places[own[is_same]]
            left = left[~is_same]
        if left.size:
            answer.places[left] = self._noted(rows[left], y[left])
        self.answers.append(answer)

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


def _judge(answers: list[Answer]) -> None:
    """Judge what are answers to one problem."""
    sources: dict[tuple[Any, ...], _Source] = {}
    for each in answers:
        whole = each.among.whole
        sources.setdefault(whole.key, _Source(whole)).add(each)
    several = list(sources.values())
    for some in alike(each.whole for each in several):
        _judge_together([several[place] for place in some])


def _judge_together(sources: list[_Source]) -> None:
    """Judge the rows of inputs that are `alike`."""
    subject = sources[0].answers[0].subject
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
        for each in source.answers:
            each.judged = judged
            each.places = each.places + part.start


def _chained(arrays: Iterable[NDArray[Any]]) -> NDArray[Any]:
    return np.concatenate(list(arrays))
