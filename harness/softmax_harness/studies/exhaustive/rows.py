"""Rows of any length, judged as a run judges them: slower, for what is small or is left open."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from softmax_harness.judgement.measure import classified
from softmax_harness.judgement.metrics import Batch
from softmax_harness.judgement.question import question
from softmax_harness.operations import Problem
from softmax_harness.studies.exhaustive.found import (
    MOST_CANDIDATES,
    Candidate,
    Candidates,
    Found,
    counted,
    largest,
    least_near,
)

Array = NDArray[np.float64]


def judged_rows(problem: Problem, standard: str, x: NDArray[np.generic], y: Array) -> Found:
    """What is found in rows x, shape (rows, n), by the screen and mpmath.

    Parameters
    ----------
    standard : str
        Of accuracy, as in `softmax_harness.operations.standards`.
    y : ndarray of float64, shape (rows, m)
        What was computed.
    """
    if not len(x):
        return Found()
    asked = question(problem, x).held_to(standard)
    batch, codes = classified(asked, y)
    blur = asked.exact_results.error_ulp
    is_top = batch.x == batch.top[:, None]
    if problem.operation.one_result:
        is_top = np.ones(batch.absolute.shape, bool)
    top, others = (np.where(chosen, batch.absolute, np.nan) for chosen in (is_top, ~is_top))
    return Found(
        len(x),
        counted(codes),
        _worst(batch, top, blur),
        _worst(batch, others, blur),
        _worst(batch, defects(y)[:, None], 0.0) if problem.operation.is_distribution else (),
        blur,
    )


@np.errstate(invalid="ignore", over="ignore")  # results may be anything
def defects(y: Array) -> Array:
    """|sum - 1| of each row to the precision of a float64, NaN where it is not finite."""
    found = np.abs(y.sum(axis=-1) - 1.0)
    return np.where(np.isfinite(found), found, np.nan)


def _worst(batch: Batch, values: Array, blur: float) -> Candidates:
    if np.isnan(values).all():
        return ()
    near = np.argwhere(values >= least_near(float(np.nanmax(values)), blur))
    found: Candidates = ()
    for row, index in near[: 64 * MOST_CANDIDATES].tolist():
        value = float(values[row, index])
        own = Candidate(value, tuple(batch.x[row].tolist()), tuple(batch.y[row].tolist()), index)
        found = (*found, own)
    return largest(found, blur)
