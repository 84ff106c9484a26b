"""What an implementation of this project answers to rows that a publication asks for."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from softmax_implementations import implementations

from softmax_harness.ground.formats import FORMATS
from softmax_harness.judgement.question import Question, question
from softmax_harness.operations import OPERATIONS, Problem

Array = NDArray[np.float64]


def asked(operation: str, x: NDArray[Any], standard: str = "native") -> Question:
    """The rows x, shape (rows, n), with their exact results in the format of x."""
    problem = Problem.of(OPERATIONS[operation], FORMATS[x.dtype.name])
    return question(problem, x).held_to(standard)


def answered(operation: str, name: str, x: NDArray[Any], axis: int = -1) -> NDArray[Any]:
    """The results of a registered implementation for x, as it returns them."""
    with np.errstate(all="ignore"):
        return np.asarray(implementations(operation)[name].function(x, axis=axis))


def relative_errors(asked: Question, y: NDArray[Any]) -> Array:
    """|y - z| / (z u), u the unit roundoff; NaN where z is not a normal number.

    Parameters
    ----------
    asked : Question
    y : ndarray, shape (rows, m)
    """
    format, truth = asked.problem.output_format, asked.truth
    error = asked.batch_of(y.astype(np.float64)).absolute
    size = np.abs(truth.value)
    with np.errstate(all="ignore"):
        relative = error * truth.ulp / size / format.unit_roundoff
    return np.where(size >= format.smallest_normal, relative, np.nan)
