"""Confirms every maximum: mpmath judges the candidates that the screen left."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from softmax_harness.ground.errors import ScreenIsWrong
from softmax_harness.judgement.aggregate import Extreme, Tally
from softmax_harness.judgement.measure import question
from softmax_harness.judgement.metrics import METRICS, Batch, least_near
from softmax_harness.operations import Problem
from softmax_harness.truth import check_screen

if TYPE_CHECKING:  # score, which has neither families nor implementations, starts without them
    from softmax_harness.inputs.families import Recipe
    from softmax_harness.subjects.declaration import Said

# Of more rows than this not all are judged for one maximum: where so many tie to within the
# margin, the first of them are as good as any.
_MOST_ROWS = 64


def candidate_rows(tally: Tally) -> list[int]:
    """The rows that have to be judged for the maxima of a tally."""
    confirmed = [m.name for m in METRICS if m.combine == "max" and m.blur is not None]
    near = [tally.candidates.get(name, ())[:_MOST_ROWS] for name in confirmed]
    return sorted({each.row for extremes in near for each in extremes})


def confirmed_maxima(
    problem: Problem, recipe: Recipe, tallies: dict[str, Tally], said: Said | None = None
) -> tuple[dict[str, Tally], int]:
    """The tallies of each implementation with maxima by mpmath, and how many elements it judged."""
    rows = {name: candidate_rows(tally) for name, tally in tallies.items()}
    wanted = sorted({row for each in rows.values() for row in each})
    exact: dict[str, dict[str, list[Extreme]]] = {name: {} for name in tallies}
    for start in recipe.starts:
        here = [row for row in wanted if start <= row < start + recipe.rows_per_block]
        if here:
            _confirm_block(problem, recipe, start, here, rows, exact, said)
    exactly = {name: renewed(tally, exact[name]) for name, tally in tallies.items()}
    return exactly, len(wanted) * recipe.n


def _confirm_block(
    problem: Problem,
    recipe: Recipe,
    start: int,
    here: list[int],
    rows: dict[str, list[int]],
    exact: dict[str, dict[str, list[Extreme]]],
    said: Said | None,
) -> None:
    from softmax_harness.subjects.named import subject_named

    stored = recipe.block(start)
    inside = np.array(here) - start
    operands = problem.operation.make_operands(stored, recipe.random_operands(start))
    asked = question(problem, stored[inside], tuple(each[inside] for each in operands), "mpmath")
    where = f"{recipe.format.name}, {recipe.family.name}, n = {recipe.n}"
    check_screen(problem, asked.x, asked.operands, asked.truth, f"{where}, of rows {here}")
    for name, own in rows.items():
        places = np.flatnonzero(np.isin(here, own))
        subject = subject_named(name, problem, said)
        y = subject.call(stored, operands).values if places.size else None
        if y is None:
            continue
        y = y.reshape(len(stored), *asked.truth.rounded.shape[1:])
        batch = asked.batch_of(y[inside]).rows(places)
        for metric, found in maxima_by_row(batch, [here[place] for place in places]).items():
            exact[name].setdefault(metric, []).extend(found)


@np.errstate(over="ignore", invalid="ignore", divide="ignore")  # results may be anything
def maxima_by_row(batch: Batch, rows: list[int]) -> dict[str, list[Extreme]]:
    """The largest value of each metric in each row of a batch, the rows named by `rows`."""
    return {
        metric.name: _by_row(metric.of(batch), rows)
        for metric in METRICS
        if metric.combine == "max" and metric.blur is not None
    }


def _by_row(values: np.ndarray, rows: list[int]) -> list[Extreme]:
    flat = np.nan_to_num(values.reshape(len(rows), -1), nan=-np.inf, posinf=np.inf)
    places = flat.argmax(axis=-1)
    largest = np.take_along_axis(flat, places[:, None], axis=-1)[:, 0]
    return [
        Extreme(value, row, place)
        for value, row, place in zip(largest.tolist(), rows, places.tolist(), strict=True)
        if value > -np.inf
    ]


def check_candidates(tally: Tally, exact: dict[str, list[Extreme]], where: str) -> None:
    """Hold what was found of errors in ulp against mpmath's, for the same outputs.

    Other processes may have found it than the one whose screen `check_screen` looks at.

    Raises
    ------
    ScreenIsWrong
        Where they differ by more than decides which rows are candidates for a maximum.
    """
    for metric in METRICS:
        exactly = {each.row: each.value for each in exact.get(metric.name, ())}
        for found in tally.candidates.get(metric.name, ()) if metric.blur else ():
            right = exactly.get(found.row, np.nan)
            high, low = max(found.value, right), min(found.value, right)
            if np.isnan(right) or low < least_near(high, metric.blur):
                raise ScreenIsWrong(
                    f"{metric.name} of row {found.row} of {where} is {found.value} by the screen "
                    f"in its process, which differs from mpmath's {right}; please report this"
                )


def renewed(tally: Tally, exact: dict[str, list[Extreme]]) -> Tally:
    """The tally with the exact maximum of each metric; the first of equals."""
    candidates = dict(tally.candidates)
    for name, near in tally.candidates.items():
        rows = {each.row for each in near}
        own = [each for each in exact.get(name, ()) if each.row in rows]
        if own:
            candidates[name] = (max(own, key=lambda each: each.value),)
    return replace(tally, candidates=candidates)
