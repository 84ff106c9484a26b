"""Lines of pairs, judged by the difference of their numbers: some fifteen nanoseconds a pair.

What the error of the screen leaves open, and rows of equal logits, are judged as all rows are.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax_harness.judgement.measure import classified
from softmax_harness.judgement.outcomes import OUTCOMES, Outcome, replayed
from softmax_harness.judgement.question import question
from softmax_harness.operations import Problem
from softmax_harness.operations.screen.difference import far
from softmax_harness.studies.exhaustive.domain import Domain
from softmax_harness.studies.exhaustive.found import (
    Candidate,
    Candidates,
    Found,
    largest,
    least_near,
)
from softmax_harness.studies.exhaustive.line import Line, Part, Row, Some
from softmax_harness.studies.exhaustive.lost import Lost
from softmax_harness.studies.exhaustive.rows import judged_rows
from softmax_harness.studies.exhaustive.side import Array, JudgedSide
from softmax_harness.studies.exhaustive.within_limit import Limits

_MOST_OPEN = 1 << 14  # rows that wait to be judged together
_LARGEST_SURE = 0.25  # of the largest number: below, nothing that is right overflows
_SIDES = ("larger", "smaller")


class Pairs:
    """Judges lines of pairs, one after another.

    Parameters
    ----------
    problem : Problem
        Its output format is its input format.
    standard : str
    domain : Domain
        Of rows of two.
    """

    def __init__(self, problem: Problem, standard: str, domain: Domain) -> None:
        operation, self._format = problem.operation, problem.output_format
        assert operation.of_difference is not None
        self._problem, self._standard, self._own = problem, standard, operation.of_difference
        self._blur = self._own.error_ulp(self._format, domain.has_exact_differences)
        self._limits = Limits(problem, standard, self._blur)
        self._lost, self._far = Lost(self._format), far(self._format)
        self._rows, self._counts = 0, np.zeros(len(OUTCOMES), np.int64)
        self._worst: dict[str, Candidates] = {}
        self._open_rows: list[Row] = []
        self._open_elements: list[Row] = []
        self._others = Found()
        self._seconds = self._terms = np.empty(0)

    @np.errstate(all="ignore")  # results may be anything
    def judge(self, first: float, seconds: Array, y: tuple[Array, Array]) -> None:
        """Judge the rows [first, second], `seconds` ascending, of which y was computed."""
        if seconds is not self._seconds:
            self._seconds, self._terms = seconds, self._held(seconds)
        first_term = float(self._held(np.array([first]))[0])
        line = Line(first, seconds, y, self._terms, first_term)
        for part in line.parts(self._far):
            self._judge(part)
        for row in line.equal:
            self._keep_open(row)

    def _held(self, x: Array) -> Array:
        """exp(x) as the format holds it."""
        return replayed(x[:, None], self._format)[:, 0]

    def _judge(self, part: Part) -> None:
        self._rows += part.size
        if part.distance[0] > self._far and self._is_plain(part):
            return
        sides = self._own.sides(part.distance, self._format)
        judged = [JudgedSide.of(part.y(i), side, self._blur) for i, side in enumerate(sides)]
        open_ = np.union1d(judged[0].open, judged[1].open)
        for place in open_.tolist():
            self._rows -= 1
            self._keep_open(part.row(place, 0))
        for side, (each, about) in enumerate(zip(judged, sides, strict=True)):
            each.leave_out(open_)
            self._count_nearest(part.y(side), each)
            places = each.others
            if places.size:
                self._count(Some.of(part, side, about, each, places))
            self._keep(_SIDES[side], part, each.error, side, self._blur)
        if self._problem.operation.is_distribution:
            defect = part.y(0) + part.y(1)
            defect -= 1.0
            self._keep("sum_defect", part, np.abs(defect, out=defect), 0, 0.0)

    def _is_plain(self, part: Part) -> bool:
        """Whether all results of a far part are the nearest numbers, which then are counted.

        Their errors are next to nothing, and are no maxima.
        """
        nearest = self._own.rounded(part.distance)
        if not all((part.y(side) == due).all() for side, due in enumerate(nearest)):
            return False
        for due in nearest:
            is_zero = isinstance(due, float) and due == 0.0
            outcome = Outcome.INHERENT_UNDERFLOW if is_zero else Outcome.CORRECTLY_ROUNDED
            self._counts[outcome.code] += part.size
        return True

    def _count_nearest(self, y: Array, judged: JudgedSide) -> None:
        """Count the nearest numbers; no exact result is 0."""
        zeros = np.count_nonzero(judged.nearest & (y == 0.0))
        self._counts[Outcome.INHERENT_UNDERFLOW.code] += zeros
        self._counts[Outcome.CORRECTLY_ROUNDED.code] += np.count_nonzero(judged.nearest) - zeros

    def _count(self, some: Some) -> None:
        """Count elements that are not the nearest numbers."""
        y, operation = some.y, self._problem.operation
        is_finite = np.isfinite(y)
        outside = is_finite & ((y < operation.least) | (y > operation.most))
        held = self._limits.held(some, is_finite & ~outside)
        beyond = held.beyond & (y != 0.0)
        lost = ~is_finite | (held.beyond & (y == 0.0))
        lost &= np.abs(some.z) < _LARGEST_SURE * self._format.largest
        for chosen, outcome in (
            (outside, Outcome.OUT_OF_RANGE),
            (held.within, Outcome.ACCURATE),
            (beyond, Outcome.INACCURATE),
        ):
            self._counts[outcome.code] += np.count_nonzero(chosen)
        if lost.any():
            self._lost.add(some, np.flatnonzero(lost))
        open_ = ~(outside | held.within | beyond | lost)
        self._open_elements += some.rows(open_)
        if len(self._open_elements) >= _MOST_OPEN:
            self._judge_elements()

    def _keep_open(self, row: Row) -> None:
        """Keep a row that is to be judged as a whole."""
        self._open_rows.append(row)
        if len(self._open_rows) >= _MOST_OPEN:
            self._judge_rows()

    def _judge_rows(self) -> None:
        rows, self._open_rows = self._open_rows, []
        if rows:
            x, y = self._stored(rows)
            self._others = self._others.add(judged_rows(self._problem, self._standard, x, y))

    def _judge_elements(self) -> None:
        rows, self._open_elements = self._open_elements, []
        np.add.at(self._counts, self._codes(rows), 1)

    def _codes(self, rows: list[Row]) -> list[int]:
        """The outcome of one element of each row, as all rows are judged."""
        if not rows:
            return []
        x, y = self._stored(rows)
        codes = classified(question(self._problem, x).held_to(self._standard), y)[1]
        return [int(codes[place, each.element]) for place, each in enumerate(rows)]

    def _stored(self, rows: list[Row]) -> tuple[NDArray[Any], Array]:
        x = self._problem.input_format.stored(np.array([each.x for each in rows]))
        return x, np.array([each.y for each in rows])

    def _keep(self, name: str, part: Part, values: Array, side: int, blur: float) -> None:
        """Keep the rows in which a maximum may stand."""
        highest = float(values.max())
        if not np.isfinite(highest):
            values = np.where(np.isfinite(values), values, -1.0)
            highest = float(values.max())
        known = self._worst.get(name, ())
        if not blur and known and highest <= known[0].value:
            return  # the first of equals is kept
        least = least_near(max(highest, known[0].value if known else 0.0), blur)
        if highest < max(least, 0.0):
            return
        near = np.flatnonzero(values >= least)
        near = near[np.unique(values[near], return_index=True)[1]]
        own = (Candidate(float(values[place]), *part.row(place, side)) for place in near.tolist())
        self._worst[name] = largest((*known, *own), blur)

    def found(self) -> Found:
        """What was found in all lines that were judged."""
        self._judge_rows()
        self._judge_elements()
        counts = self._counts + self._lost.counts(self._codes)
        larger, smaller, defect = (self._worst.get(each, ()) for each in (*_SIDES, "sum_defect"))
        outcomes = tuple(counts.tolist())
        own = Found(self._rows, outcomes, larger, smaller, defect, self._blur)
        return own.add(self._others)
