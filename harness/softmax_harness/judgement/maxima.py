"""Confirms every maximum: mpmath judges the candidates that the screen left."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.errors import ScreenIsWrong
from softmax_harness.judgement.aggregate import Extreme, Tally
from softmax_harness.judgement.metrics import (
    METRICS,
    Batch,
    Metric,
    least_near,
    metrics_of,
    ulp_error,
)
from softmax_harness.judgement.question import Question, question
from softmax_harness.operations import Inputs, Problem
from softmax_harness.operations.screen import full
from softmax_harness.truth import (
    LongRow,
    Truth,
    are_same,
    check_screen,
    check_screened,
    is_long,
)

if TYPE_CHECKING:  # score, which has neither families nor implementations, starts without them
    from softmax_harness.inputs.families import Recipe

# Of more rows than this not all are judged for one maximum: where so many tie to within the
# margin, the first of them are as good as any.
_MOST_ROWS = 64
# Of a long row so many elements beside those of its maxima are held against mpmath.
_SPREAD = 64
_OF_ELEMENTS = frozenset(m.name for m in METRICS if m.of_elements)
Array = NDArray[np.float64]
LongRows = dict[int, LongRow]
"""By the number of the row."""


def candidate_rows(tally: Tally) -> list[int]:
    """The rows that have to be judged for the maxima of a tally."""
    confirmed = [m.name for m in METRICS if m.combine == "max" and m.blur is not None]
    near = [tally.candidates.get(name, ())[:_MOST_ROWS] for name in confirmed]
    return sorted({each.row for extremes in near for each in extremes})


Outputs = Callable[[str, int, Inputs], NDArray[np.float64] | None]
"""``outputs(name, start, inputs)``: what an implementation gives for the block at row `start`."""


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
    outputs: Outputs | None = None,
) -> tuple[dict[str, Tally], int]:
    """The tallies of each implementation with maxima by mpmath, and how many elements it judged.

    For blocks of which it is not known what was `answered`, `outputs` say it; where there are none
    either, the implementations are called again.
    """
    known = {each.start: each for each in answered}
    outputs = outputs or _called(problem)
    rows = {name: candidate_rows(tally) for name, tally in tallies.items()}
    wanted = sorted({row for each in rows.values() for row in each})
    exact: dict[str, dict[str, list[Extreme]]] = {name: {} for name in tallies}
    for start in recipe.starts:
        here = [row for row in wanted if start <= row < start + recipe.rows_per_block]
        if not here:
            continue
        names = [name for name, own in rows.items() if not set(own).isdisjoint(here)]
        asked, given = (
            _judged_again(recipe, known[start], here)
            if start in known
            else _asked_again(problem, recipe, start, here, names, outputs)
        )
        long_rows: LongRows = {}
        if len(names) > 1:
            asked.prepare_metrics()
        for name in names:
            found = _of_block(asked, given[name], start, here, rows[name], long_rows)
            for metric, own in found.items():
                exact[name].setdefault(metric, []).extend(own)
    exactly = {name: renewed(tally, exact[name]) for name, tally in tallies.items()}
    return exactly, len(wanted) * recipe.n


def _called(problem: Problem) -> Outputs:
    from softmax_harness.subjects.named import subject_named

    return lambda name, start, inputs: subject_named(name, problem).call(*inputs).values


_Again = tuple[Question, Mapping[str, Array | None]]
"""Some rows of a block by mpmath, and the outputs for the whole block by implementation."""


def _judged_again(recipe: Recipe, known: Answered, here: list[int]) -> _Again:
    screened = known.asked.rows(np.array(here) - known.start)
    asked = screened.by_mpmath()
    check_screened(screened.exact_results, asked.truth, _told(recipe, here))
    return asked, known.outputs


def _asked_again(
    problem: Problem,
    recipe: Recipe,
    start: int,
    here: list[int],
    names: list[str],
    outputs: Outputs,
) -> _Again:
    inputs = recipe.inputs(problem.operation, start)
    asked = question(problem, *inputs.rows(np.array(here) - start), "mpmath")
    check_screen(problem, asked.x, asked.operands, asked.truth, _told(recipe, here))
    return asked, {name: outputs(name, start, inputs) for name in names}


def _told(recipe: Recipe, here: list[int]) -> str:
    return f"{recipe.format.name}, {recipe.family.name}, n = {recipe.n}, of rows {here}"


def _of_block(
    asked: Question,
    y: Array | None,
    start: int,
    here: list[int],
    own: list[int],
    long_rows: LongRows,
) -> dict[str, list[Extreme]]:
    """The largest values of an implementation in those rows of a block that are its own."""
    if y is None:
        return {}
    y = y.reshape(len(y), *asked.truth.rounded.shape[1:])
    places = np.flatnonzero(np.isin(here, own))
    rows = [here[place] for place in places]
    return exact_maxima(asked.rows(places), y[np.array(rows) - start], rows, long_rows)


@np.errstate(over="ignore", invalid="ignore", divide="ignore")  # results may be anything
def maxima_by_row(
    batch: Batch, rows: list[int], metrics: Sequence[Metric] = METRICS
) -> dict[str, list[Extreme]]:
    """The largest value of each metric in each row of a batch, the rows named by `rows`."""
    return {
        metric.name: _by_row(metric.of(batch), rows)
        for metric in metrics
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


def exact_maxima(
    asked: Question, y: Array, rows: list[int], long_rows: LongRows | None = None
) -> dict[str, list[Extreme]]:
    """`maxima_by_row` of outputs by a truth of mpmath's, which judges elements of long rows alone.

    Parameters
    ----------
    y : ndarray of float64, shape (rows, m)
    rows : list of int
        What the rows are named by.
    long_rows : dict of int to LongRow, optional
        What mpmath knows of long rows by these names, of other outputs for them; it is added to.
    """
    found = maxima_by_row(asked.batch_of(y), rows, metrics_of(asked.operation))
    if not is_long(asked.operation, n := asked.x.shape[-1]):
        return found
    long_rows = {} if long_rows is None else long_rows
    exact: dict[str, list[Extreme]] = {}
    logits = asked.operation.effective_logits(asked.x, asked.operands)
    for place, row in enumerate(rows):
        if asked.truth.fixed[place].all():
            continue

        def at(places: NDArray[np.int64], place: int = place) -> tuple[Array, Truth]:
            own = asked.truth.rows(np.array([place]))
            return y[place : place + 1, places], own.block(slice(None), places)

        own = {name: [e for e in each if e.row == row] for name, each in found.items()}
        known = long_rows.setdefault(row, LongRow(asked.operation, logits[place]))
        for name, several in confirmed_elements(
            known, n, at, asked.exact_results.error_ulp, own
        ).items():
            exact.setdefault(name, []).extend(several)
    return exact


def confirmed_elements(
    row: LongRow,
    n: int,
    at: Callable[[NDArray[np.int64]], tuple[Array, Truth]],
    error_ulp: float,
    found: dict[str, list[Extreme]],
) -> dict[str, list[Extreme]]:
    """The maxima of a long row, those of elements by mpmath; what the whole row adds up to stays.

    Parameters
    ----------
    row : LongRow
    n : int
        Its length.
    at : callable
        ``at(places)`` gives the outputs at some places and their truth by the screen, of shape
        (1, places) both.
    error_ulp : float
        What that truth may err by.
    found : dict
        The largest of each metric, by that truth.

    Raises
    ------
    ScreenIsWrong
        Where that truth, at these elements or at others spread over the row, is not mpmath's.
    """
    wanted = [each.index for name, own in found.items() if name in _OF_ELEMENTS for each in own]
    places = np.unique(np.array([*wanted, *np.linspace(0, n - 1, _SPREAD).astype(int).tolist()]))
    y, own = at(places)
    kept = ~own.fixed[0]
    places, y, own = places[kept], y[:, kept], own.block(slice(None), np.flatnonzero(kept))
    rounded, offset, ulp = row.results(row.logits[places].astype(np.float64), own.format)
    exact = Truth(own.format, rounded[None], offset[None], ulp[None], own.fixed)
    # Both err: the screen, and the sum by which mpmath's exponentials are divided.
    if not are_same(own, exact, error_ulp + full.RELATIVE_ERROR * 2.0**own.format.precision).all():
        raise ScreenIsWrong(
            f"the screen differs from mpmath by more than its bound in a row of {n} logits; run "
            "with --truth mpmath, and please report this"
        )
    by_screen, by_mpmath = (np.abs(ulp_error(y, each)[0]) for each in (own, exact))
    factors = dict(zip(places.tolist(), _ratio(by_mpmath, by_screen).tolist(), strict=True))
    return {
        name: [_times(each, factors.get(each.index, 1.0)) for each in several]
        if name in _OF_ELEMENTS
        else several
        for name, several in found.items()
    }


def _ratio(a: Array, b: Array) -> Array:
    return np.divide(a, b, out=np.ones_like(a), where=(b > 0) & np.isfinite(a))


def _times(extreme: Extreme, factor: float) -> Extreme:
    return replace(extreme, value=extreme.value * factor)


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
