"""The job that exhausts: one implementation on some lines of a domain."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax_harness.operations import Problem
from softmax_harness.studies.exhaustive.domain import Domain
from softmax_harness.studies.exhaustive.found import Found, with_faults
from softmax_harness.studies.exhaustive.pairs import Pairs
from softmax_harness.studies.exhaustive.rows import judged_rows
from softmax_harness.subjects.declaration import Said
from softmax_harness.subjects.isolation import Ended, Reply
from softmax_harness.subjects.named import subject_named
from softmax_harness.subjects.subject import Subject

Array = NDArray[np.float64]

_ROWS_PER_CALL = 1 << 18  # some hundred thousand elements, within any limit of time
_NOTHING = Said()


@dataclass(frozen=True)
class Exhausting:
    """A job: judge all rows of some lines.

    Attributes
    ----------
    implementation : str
    problem : Problem
        Along axis 0 the rows stand as columns of one array, along -1 as its rows.
    kind : str
        Of the domain.
    start, stop : int
        The first line, and the one after the last.
    said : Said
        What was said about the implementation.
    """

    implementation: str
    problem: Problem
    kind: str
    start: int
    stop: int
    said: Said = _NOTHING

    def do(self) -> Found:
        """What is found in them."""
        subject = _subject(self.implementation, self.problem, self.said)
        domain = Domain(self.kind, self.problem.input_format)
        faults: dict[str, None] = {}
        calls = _calls(subject, domain, self.start, self.stop, faults)
        if domain.is_by_difference and self.problem.output_format == domain.format:
            found = _by_difference(subject, domain, calls)
        else:
            found = _by_rows(subject, calls)
        return with_faults(found, faults)


_Calls = Iterator[tuple[list[int], NDArray[Any], Array]]
"""Some lines, their rows as columns, shape (n, rows), and the results, shape (m, rows)."""


def _by_difference(subject: Subject, domain: Domain, calls: _Calls) -> Found:
    pairs = Pairs(subject.problem, subject.standard, domain)
    for lines, _, y in calls:
        seconds = _lasts(domain, domain.like(lines[0]))[1]
        size = seconds.size
        for place, line in enumerate(lines):
            first, second = y[:, place * size : (place + 1) * size]
            pairs.judge(float(domain.firsts(line)[0]), seconds, (first, second))
    return pairs.found()


def _by_rows(subject: Subject, calls: _Calls) -> Found:
    found = Found()
    for _, x, y in calls:
        rows, results = np.ascontiguousarray(x.T), np.ascontiguousarray(y.T)
        found = found.add(judged_rows(subject.problem, subject.standard, rows, results))
    return found


def _calls(
    subject: Subject, domain: Domain, start: int, stop: int, faults: dict[str, None]
) -> _Calls:
    """What the implementation gives for each row, called with as many lines as fit in a call."""
    line = start
    while line < stop:
        lasts = _lasts(domain, domain.like(line))[0]
        most = max(_ROWS_PER_CALL // lasts.size, 1) if domain.like(line) == 0 else 1
        lines = list(range(line, min(stop, line + most)))
        x = np.empty((domain.n, len(lines), lasts.size), lasts.dtype)
        for place, each in enumerate(lines):
            x[:-1, place] = domain.format.stored(domain.firsts(each))[:, None]
        x[-1] = lasts
        columns = x.reshape(domain.n, -1)
        yield lines, columns, _called(subject, columns, faults)
        line = lines[-1] + 1


def _called(subject: Subject, columns: NDArray[Any], faults: dict[str, None]) -> Array:
    """What the implementation gives for rows that stand as columns: as columns, too."""
    axis = subject.problem.axis
    x = columns if axis == 0 else np.ascontiguousarray(columns.T)
    try:
        reply = subject.ask([subject.request(x, axis=axis)])[0]
    except Ended as ended:
        reply = Reply(None, (ended.fault,))
    faults.update(dict.fromkeys(reply.messages))
    width = 1 if subject.problem.operation.one_result else len(columns)
    if reply.values is None:
        return np.full((width, columns.shape[1]), np.nan)
    if axis == 0:
        return reply.values.reshape(width, -1)
    return np.ascontiguousarray(reply.values.reshape(-1, width).T)


@cache  # a job has many calls, and a worker many jobs
def _subject(name: str, problem: Problem, said: Said) -> Subject:
    return subject_named(name, problem, said)


@lru_cache(1)
def _lasts(domain: Domain, line: int) -> tuple[NDArray[Any], Array]:
    """The last numbers of a line, stored and as float64: the same arrays for the same numbers."""
    stored = domain.lasts(line)
    return stored, stored.astype(np.float64)
