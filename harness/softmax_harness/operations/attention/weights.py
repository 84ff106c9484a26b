"""The exponentials of the distances, as pairs of float64, by the screen's kernels."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from softmax_harness.ground.formats import Format
from softmax_harness.operations.attention.distances import Distances
from softmax_harness.operations.screen import full, light
from softmax_harness.operations.screen.light import Result
from softmax_harness.operations.screen.reduction import power_of_two
from softmax_harness.operations.screen.sums import two_sum
from softmax_harness.operations.screen.workspace import Array, Workspace, bits_of, workspace


class Precision(NamedTuple):
    """How exactly the screen works for a format.

    Attributes
    ----------
    exponentials : callable
        Of the kernel.
    error : float
        Relative error of an exponential by its docstring: 2**-64.6 and 2**-98.8.
    scores, values : float
        Slices smaller than that are left out of the scores, and of the weighted values.
    """

    exponentials: Callable[[Array, Array, Array | None, Array | None, Workspace], Result]
    error: float
    scores: float
    values: float


_LIGHT = Precision(light.exponentials, 2.0**-64.5, 2.0**-100, 2.0**-64)
_FULL = Precision(full.exponentials, 2.0**-98.5, 2.0**-140, 2.0**-102)


# Scores as large as float32 has them differ by what its small numbers make of them.
_DEEP = _LIGHT._replace(scores=2.0**-270)


def precision_for(format: Format) -> Precision:
    """What decides nearly all roundings to a format."""
    return precisions_for(format)[0]


def precisions_for(format: Format) -> tuple[Precision, ...]:
    """The same, and what is tried where that leaves anything open."""
    return (_LIGHT, _DEEP) if format.precision <= 24 else (_FULL,)


class Weights(NamedTuple):
    """exp(s - max s), a normalised pair; 0 for keys that are not counted.

    Attributes
    ----------
    high, low : ndarray of float64, shape (rows, n)
    error : ndarray of float64, shape (rows, 1)
        Bound of the relative error of each.
    """

    high: Array
    low: Array
    error: Array


def weights(apart: Distances, precision: Precision) -> Weights:
    """`Weights` of the distances.

    A distance that is off by e makes its exponential expm1(e) too large at most; the kernel errs
    by its own share.
    """
    shape = apart.high.shape
    w = workspace(shape)
    counted = None if apart.counted.all() else apart.counted.astype(np.float64)
    top = np.zeros((shape[0], 1))
    head, tail, q = precision.exponentials(apart.high, top, apart.low, counted, w)
    memory = w.take()
    scale = power_of_two(q, bits_of(memory), least=-1022)
    head *= scale
    tail *= scale
    high, low = two_sum(head, tail)
    w.give(memory, head, tail, q.view(np.float64))
    drift = np.expm1(np.minimum(apart.error, 600.0))
    return Weights(high, low, 1.01 * (drift + precision.error))
