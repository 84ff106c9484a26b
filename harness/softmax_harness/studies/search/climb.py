"""The job that searches: a sample, then steps from its worst rows to worse ones.

Each round makes new rows from the worst known ones, judges them, and keeps the worst of both. It
is an evolution strategy (mu + lambda): nothing bad that was found is lost, so that a search is
never worse than the sample it began with.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np

from softmax_harness.inputs.families import Family
from softmax_harness.operations import Inputs, Problem
from softmax_harness.studies.search.judged import judged
from softmax_harness.studies.search.moves import OF_ANY_ROW, OF_LENGTH
from softmax_harness.studies.search.sampling import families_at, sampled
from softmax_harness.subjects.declaration import Said
from softmax_harness.subjects.named import subject_named
from softmax_harness.subjects.subject import Subject

_WORST, _NEW = 16, 64  # rows that are kept, and rows that are made of them, in a round
# Of the evaluations: rows of all families, then of those in which the worst ones were. Where errors
# are all but random, most is found by looking where large ones are frequent.
_OF_ALL, _OF_WORST, _WORST_FAMILIES = 0.25, 0.35, 4
_OF_LENGTH, _TWO_MOVES = 0.05, 0.3
_NOTHING = Said()


class Bad(NamedTuple):
    """A bad row: its error in ulp, where that stands, and the row with its operands."""

    error: float
    place: int
    row: Inputs

    @property
    def key(self) -> tuple[bytes, ...]:
        """The same for the same numbers."""
        return tuple(each.tobytes() for each in (self.row.x, *self.row.operands))


@dataclass(frozen=True)
class Climbed:
    """What a climb found.

    Attributes
    ----------
    x : tuple of ndarray
        The worst rows, each of shape (1, n), the worst first.
    operands : tuple of tuple of ndarray
        Of each row.
    error : tuple of float
        Of each row, in ulp, by the screen.
    broken : tuple of ndarray
        The first row with a broken result and its operands; nothing if there was none.
    evaluations : int
        Rows that were judged.
    sampled_ulp : float
        The largest error among the rows of the sample.
    faults : tuple of str
        What was wrong with calls, each once.
    """

    x: tuple[np.ndarray, ...]
    operands: tuple[tuple[np.ndarray, ...], ...]
    error: tuple[float, ...]
    broken: tuple[np.ndarray, ...]
    evaluations: int
    sampled_ulp: float
    faults: tuple[str, ...] = ()


@dataclass(frozen=True)
class Climbing:
    """A job: one climb.

    Attributes
    ----------
    implementation : str
    problem : Problem
    n : int
        The longest row.
    evaluations : int
        Rows that may be judged.
    seed : tuple of int
        Of the search, and which climb of it this is.
    said : Said
        What was said about the implementation.
    """

    implementation: str
    problem: Problem
    n: int
    evaluations: int
    seed: tuple[int, int]
    said: Said = _NOTHING

    def do(self) -> Climbed:
        """Climb."""
        climb = _Climb(self, _subject(self.implementation, self.problem, self.said))
        climb.sample()
        while climb.left > 0 and climb.worst:
            climb.round()
        return climb.found()


class _Climb:
    def __init__(self, job: Climbing, subject: Subject) -> None:
        self._job, self._subject = job, subject
        self._rng = np.random.default_rng(np.random.SeedSequence(job.seed))
        self.left = job.evaluations
        self.worst: list[Bad] = []
        self._broken: Inputs | None = None
        self._faults: dict[str, None] = {}
        self._sampled = -1.0

    def sample(self) -> None:
        """Judge rows of all families, and more of the worst of them."""
        errors = self._sample(_OF_ALL)
        worst = sorted(errors, key=lambda family: -errors[family])[:_WORST_FAMILIES]
        own = {family.name: family for family in families_at(self._job.n)}
        self._sample(_OF_WORST, [own[name] for name in worst])
        self._sampled = self.worst[0].error if self.worst else -1.0

    def _sample(self, share: float, families: list[Family] | None = None) -> dict[str, float]:
        """Judge a share of the evaluations; the largest error of each family."""
        job, rows = self._job, max(int(share * self._job.evaluations), 1)
        about = (job.problem.operation, job.problem.input_format, job.n, rows)
        errors: dict[str, float] = {}
        for family, block in sampled(*about, int(self._rng.integers(1 << 31)), families):
            bad = list(self._judged(block))
            self._keep(bad)
            own = max((each.error for each in bad), default=-1.0)
            errors[family.name] = max(own, errors.get(family.name, -1.0))
        return errors

    def round(self) -> None:
        """Make new rows from the worst, and keep the worst of all."""
        new: dict[int, list[Inputs]] = {}
        for _ in range(min(_NEW, self.left)):
            row = self._changed()
            new.setdefault(row.x.shape[-1], []).append(row)
        for rows in new.values():
            x = np.concatenate([each.x for each in rows])
            operands = zip(*(each.operands for each in rows), strict=True)
            together = Inputs(x, tuple(np.concatenate(several) for several in operands))
            self._keep(list(self._judged(together)))

    def _changed(self) -> Inputs:
        """A row made from one of the worst."""
        rng, format = self._rng, self._job.problem.input_format
        x, operands = self.worst[rng.integers(len(self.worst))].row
        others = [each.row.x[0] for each in self.worst]
        row = x[0]
        for _ in range(1 + (rng.random() < _TWO_MOVES)):
            move = OF_ANY_ROW[rng.integers(len(OF_ANY_ROW))]
            row = move(row, others, format, rng)
        if not operands and rng.random() < _OF_LENGTH:
            longer = OF_LENGTH[rng.integers(len(OF_LENGTH))](row, others, format, rng)
            row = longer if longer.size <= self._job.n else row
        return Inputs(row[None], operands)

    def _judged(self, inputs: Inputs) -> Iterator[Bad]:
        """The rows with an error, of those that there still is room for."""
        inputs = inputs.rows(slice(0, max(self.left, 0)))
        if not len(inputs.x):
            return
        self.left -= len(inputs.x)
        found = judged(self._subject, inputs)
        self._faults.update(dict.fromkeys(found.faults))
        if self._broken is None and found.is_broken.any():
            self._broken = inputs.row(int(found.is_broken.argmax()))
        for place in np.argsort(-found.error, kind="stable")[:_WORST].tolist():
            if found.error[place] >= 0:
                yield Bad(float(found.error[place]), int(found.index[place]), inputs.row(place))

    def _keep(self, bad: list[Bad]) -> None:
        known: dict[tuple[bytes, ...], Bad] = {}
        for each in sorted([*bad, *self.worst], key=lambda one: -one.error):
            known.setdefault(each.key, each)
        self.worst = list(known.values())[:_WORST]

    def found(self) -> Climbed:
        worst, broken = self.worst, self._broken
        return Climbed(
            tuple(each.row.x for each in worst),
            tuple(each.row.operands for each in worst),
            tuple(each.error for each in worst),
            () if broken is None else (broken.x, *broken.operands),
            self._job.evaluations - self.left,
            self._sampled,
            tuple(self._faults),
        )


@cache  # a worker climbs many times
def _subject(name: str, problem: Problem, said: Said) -> Subject:
    return subject_named(name, problem, said)
