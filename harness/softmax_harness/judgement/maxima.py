"""Confirms every maximum: mpmath judges the candidates that the screen left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.errors import ScreenIsWrong
from softmax_harness.judgement.aggregate import Extreme, Tally
from softmax_harness.judgement.measure import Question, question
from softmax_harness.judgement.metrics import METRICS, Batch, least_near
from softmax_harness.operations import Problem
from softmax_harness.truth import check_screen, check_screened

if TYPE_CHECKING:  # score, which has neither families nor implementations, starts without them
    from softmax_harness.inputs.families import Recipe

# Of more rows than this not all are judged for one maximum: where so many tie to within the
# margin, the first of them are as good as any.
_MOST_ROWS = 64

Array = NDArray[np.float64]


def candidate_rows(tally: Tally) -> list[int]:
    """The rows that have to be judged for the maxima of a tally."""
    confirmed = [m.name for m in METRICS if m.combine == "max" and m.blur is not None]
    near = [tally.candidates.get(name, ())[:_MOST_ROWS] for name in confirmed]
    return sorted({each.row for extremes in near for each in extremes})


@dataclass(frozen=True)
class Answered:
    """A block of a recipe, and what was answered to it.

    Attributes
    ----------
    start : int
        The first row of the block.
    asked : Question
        Of the whole block.
    outputs : dict of str to ndarray or None
        By the name of the implementation, in the shape of the results; None where a call gave
        nothing to judge.
    """

    start: int
    asked: Question
    outputs: Mapping[str, Array | None]


def confirmed_maxima(
    problem: Problem,
    recipe: Recipe,
    tallies: Mapping[str, Tally],
    answered: Sequence[Answered] = (),
) -> tuple[dict[str, Tally], int]:
    """The tallies of each implementation with maxima by mpmath, and how many elements it judged.

    The implementations are called again, but for blocks of which it is known what they `answered`.
    """
    known = {each.start: each for each in answered}
    rows = {name: candidate_rows(tally) for name, tally in tallies.items()}
    wanted = sorted({row for each in rows.values() for row in each})
    exact: dict[str, dict[str, list[Extreme]]] = {name: {} for name in tallies}
    for start in recipe.starts:
        here = [row for row in wanted if start <= row < start + recipe.rows_per_block]
        if here:
            _confirm_block(problem, recipe, start, here, rows, exact, known.get(start))
    exactly = {name: renewed(tally, exact[name]) for name, tally in tallies.items()}
    return exactly, len(wanted) * recipe.n


def _confirm_block(
    problem: Problem,
    recipe: Recipe,
    start: int,
    here: list[int],
    rows: dict[str, list[int]],
    exact: dict[str, dict[str, list[Extreme]]],
    known: Answered | None,
) -> None:
    inside = np.array(here) - start
    where = f"{recipe.format.name}, {recipe.family.name}, n = {recipe.n}, of rows {here}"
    outputs: Mapping[str, Array | None]
    if known is None:
        wanted = [name for name, own in rows.items() if not set(own).isdisjoint(here)]
        asked, outputs = _asked_again(problem, recipe, start, inside, wanted)
        check_screen(problem, asked.x, asked.operands, asked.truth, where)
    else:
        screened = known.asked.rows(inside)
        asked, outputs = screened.by_mpmath(), known.outputs
        check_screened(screened.exact_results, asked.truth, where)
    for name, own in rows.items():
        places = np.flatnonzero(np.isin(here, own))
        y = outputs[name] if places.size else None
        if y is None:
            continue
        batch = asked.batch_of(y[inside]).rows(places)
        for metric, found in maxima_by_row(batch, [here[place] for place in places]).items():
            exact[name].setdefault(metric, []).extend(found)


def _asked_again(
    problem: Problem, recipe: Recipe, start: int, inside: NDArray[np.int64], names: list[str]
) -> tuple[Question, dict[str, Array | None]]:
    """Some rows of a block by mpmath, and what the implementations answer to the whole block."""
    from softmax_harness.subjects.named import subject_named

    stored = recipe.block(start)
    operands = problem.operation.make_operands(stored, recipe.random_operands(start))
    asked = question(problem, stored[inside], tuple(each[inside] for each in operands), "mpmath")
    shape = (len(stored), *asked.truth.rounded.shape[1:])
    outputs = {name: subject_named(name, problem).call(stored, operands).values for name in names}
    return asked, {name: None if y is None else y.reshape(shape) for name, y in outputs.items()}


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
