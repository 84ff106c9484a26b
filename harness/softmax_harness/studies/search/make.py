"""A search: climbs on any executor, the worst of them confirmed by mpmath and shrunk."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np

from softmax_harness.ground.errors import BadData, BadImplementation
from softmax_harness.ground.formats import format_named
from softmax_harness.inputs.written import is_short, literal_text
from softmax_harness.operations import DEFAULT_OPERATION, Inputs, Problem, operation_named
from softmax_harness.run.job import work
from softmax_harness.studies.search.climb import Climbed, Climbing
from softmax_harness.studies.search.judged import judged
from softmax_harness.studies.search.shrinking import KEPT, shrunk
from softmax_harness.subjects.declaration import Said, problem_of
from softmax_harness.subjects.named import implementation_named, subject_named
from softmax_harness.subjects.subject import Subject

Progress = Callable[[str, int, int], None]
"""Called with what is done, rows judged, and rows in all, 0 where that is unknown."""

# How many climbs share the evaluations decides results, so that it does not depend on workers. Each
# needs some rounds to get anywhere.
_MOST_CLIMBS, _LEAST_EVALUATIONS = 8, 2500
_CONFIRMED = 8  # of the worst rows, since a row alone may err by less than among others
_NOTHING = Said()


@dataclass(frozen=True)
class Asked:
    """What was asked for, as it was written.

    Attributes
    ----------
    implementation : str
    dtype, operation : str
    n : int
        The longest row.
    evaluations : int
        Rows that may be judged, or are judged between two looks at the clock.
    seconds : float or None
        For how long it goes on; None for one turn.
    seed : int
    said : Said
        What was said about the implementation.
    """

    implementation: str
    dtype: str = "float32"
    operation: str = DEFAULT_OPERATION
    n: int = 8
    evaluations: int = 40_000
    seconds: float | None = None
    seed: int = 0
    said: Said = _NOTHING


@dataclass(frozen=True)
class Witness:
    """A row, and how far a result of it errs.

    Attributes
    ----------
    text : str
        The row as `explain` reads it; empty where it is too long to be written.
    error : float
        By mpmath, of the row computed alone; NaN for a broken one.
    n : int
        Its length.
    """

    text: str
    error: float
    n: int


@dataclass(frozen=True)
class Finding:
    """What a search found.

    Attributes
    ----------
    asked : Asked
    worst : Witness or None
        Of the largest error; a maximum that was sampled, so a lower bound.
    smallest : Witness or None
        The smallest row that errs by nearly as much.
    broken : Witness or None
        The smallest row with a broken result.
    evaluations : int
        Rows that were judged to find them.
    sampled_ulp : float
        The largest error among those of them that were sampled.
    faults : tuple of str
        What was wrong with calls, each once.
    """

    asked: Asked
    worst: Witness | None
    smallest: Witness | None
    broken: Witness | None
    evaluations: int
    sampled_ulp: float
    faults: tuple[str, ...]


@dataclass(frozen=True)
class Concluding:
    """A job: confirm and shrink what climbs found.

    Attributes
    ----------
    asked : Asked
    problem : Problem
    climbs : tuple of Climbed
    """

    asked: Asked
    problem: Problem
    climbs: tuple[Climbed, ...]

    def do(self) -> Finding:
        """The worst of all."""
        subject = subject_named(self.asked.implementation, self.problem, self.asked.said)
        rows = [
            (error, Inputs(x, operands))
            for climb in self.climbs
            for error, x, operands in zip(climb.error, climb.x, climb.operands, strict=True)
        ]
        rows.sort(key=lambda each: -each[0])
        worst, smallest, row = None, None, None
        for _, each in rows[:_CONFIRMED]:
            found = self._witness(subject, each)
            if worst is None or found.error > worst.error:
                worst, row = found, each
        if worst is not None and row is not None:
            smallest = self._witness(subject, shrunk(subject, row, KEPT * worst.error))
        broken = next((climb.broken for climb in self.climbs if climb.broken), None)
        return Finding(
            self.asked,
            worst,
            smallest,
            None if broken is None else self._broken(subject, Inputs(broken[0], broken[1:])),
            sum(climb.evaluations for climb in self.climbs),
            max(climb.sampled_ulp for climb in self.climbs),
            tuple(dict.fromkeys(fault for climb in self.climbs for fault in climb.faults)),
        )

    def _witness(self, subject: Subject, row: Inputs) -> Witness:
        found = judged(subject, row, "mpmath")
        return self._told(row, int(found.index[0]), float(found.error[0]))

    def _broken(self, subject: Subject, row: Inputs) -> Witness:
        small = shrunk(subject, row, None)
        return self._told(small, 0, np.nan)

    def _told(self, row: Inputs, index: int, error: float) -> Witness:
        text = literal_text(self.problem, row, index) if is_short(row) else ""
        return Witness(text, error, row.x.shape[-1])


def problem_asked(asked: Asked) -> Problem:
    """What the implementation computes; every name is resolved, and every bad one refused.

    Raises
    ------
    HarnessError
        If a name is of nothing, or the operation takes no logits.
    """
    operation, format = operation_named(asked.operation), format_named(asked.dtype)
    if not operation.takes_logits:
        raise BadData(f"{operation.name} takes no logits, in which a search could move")
    declaration = implementation_named(asked.implementation, asked.operation, asked.said)
    if declaration.unavailable:
        raise BadImplementation(f"{declaration.name} cannot run here: {declaration.unavailable}")
    if format.name not in declaration.dtypes:
        raise BadImplementation(
            f"{declaration.name} does not declare {format.name}: expected one of "
            f"{', '.join(declaration.dtypes)}"
        )
    return problem_of(declaration, operation, format)


def searched(asked: Asked, executor: Executor, progress: Progress) -> Finding:
    """Search; without a time the finding is the same, bit for bit, on any executor."""
    problem, began = problem_asked(asked), time.monotonic()
    climbs: list[Climbed] = []
    count = min(max(asked.evaluations // _LEAST_EVALUATIONS, 1), _MOST_CLIMBS)
    turn = 0
    while not climbs or (asked.seconds is not None and time.monotonic() - began < asked.seconds):
        jobs = [
            Climbing(
                asked.implementation,
                problem,
                asked.n,
                asked.evaluations // count,
                (asked.seed, turn * count + place),
                asked.said,
            )
            for place in range(count)
        ]
        for future in [executor.submit(work, job) for job in jobs]:
            climbs.append(future.result())
            told = f"worst so far {max(max(each.error, default=0) for each in climbs):.6g} ulp"
            done = sum(each.evaluations for each in climbs)
            progress(told, done, 0 if asked.seconds else asked.evaluations)
        turn += 1
    found: Finding = executor.submit(work, Concluding(asked, problem, tuple(climbs))).result()
    return found
