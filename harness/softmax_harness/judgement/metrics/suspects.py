"""Which rows can decide a metric: cheap rigorous bounds, so that the dear formula sees few rows."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from softmax_harness.judgement.metrics.batch import Array, Batch

# Values this close to a maximum, relative to it, are candidates for it until mpmath has decided:
# far more than the screen's error in any metric.
MARGIN = 1e-6

Rows = NDArray[np.int64]
# What a row has to reach so that it counts, if the maximum is at least that of the given rows; NaN
# if those hold nothing to judge.
Reach = Callable[[Rows], float]
Suspects = Callable[[Batch, Reach], Rows]


def least_near(top: float, blur: float | None) -> float:
    """The least value that may yet prove to be the maximum where `top` is the largest found."""
    return top if blur is None or math.isinf(top) else top - MARGIN * abs(top) - blur


def reaching(at_most: Callable[[Batch], Array]) -> Suspects:
    """The rows whose bound reaches what the row with the largest bound has.

    Parameters
    ----------
    at_most : callable
        ``at_most(batch)`` gives a number for each row, shape (rows,), that the metric does not
        exceed there; infinity or NaN where none is known.
    """

    def suspects(batch: Batch, reach: Reach) -> Rows:
        bounds = at_most(batch)
        known = np.isfinite(bounds)
        best = np.array([np.where(known, bounds, -np.inf).argmax()])
        return np.flatnonzero(~(known & (bounds < reach(best))))

    return suspects


def other_than_zero(possible: Callable[[Batch], NDArray[np.bool_]]) -> Suspects:
    """The rows in which ``possible(batch)``, shape (rows,), leaves a value other than 0 open."""
    return lambda batch, reach: np.flatnonzero(possible(batch))
