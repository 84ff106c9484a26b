"""The correctly rounded results, made from the truth: what no implementation can improve on."""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from softmax_implementations import Implementation
from softmax_implementations.registry import floating

from softmax_harness.ground.formats import FORMATS, format_of
from softmax_harness.operations import (
    OPERATIONS,
    Arrangement,
    Operands,
    Operation,
    Problem,
    as_numbers,
)
from softmax_harness.operations.calls import rows_of
from softmax_harness.truth import exact_results, remembered


@cache
def exact_of(operation: str) -> Implementation:
    """The correctly rounded implementation of an operation."""
    about = OPERATIONS[operation]

    def exactly(*arguments: NDArray[Any], axis: int = -1) -> NDArray[Any]:
        """The exact value of each result, rounded once, by the screen and mpmath."""
        first = floating(arguments[0])
        return _rounded(about, (first, *arguments[1:]), axis)

    return Implementation(
        "exact", exactly, tuple(FORMATS), bound="exact", standard="rounded", operation=operation
    )


def _rounded(operation: Operation, arguments: Operands, axis: int) -> NDArray[Any]:
    place = Arrangement(arguments[0].shape, axis)
    shape = operation.shape_of_results(arguments, axis)
    if 0 in shape:
        return np.empty(shape, arguments[0].dtype)
    problem = Problem.of(operation, format_of(arguments[0]))
    known = remembered(problem, arguments) if axis == -1 else None
    if known is not None and known.truth.rounded.size == math.prod(shape):
        with np.errstate(over="ignore"):
            results = as_numbers(known.truth.rounded, known.truth.fixed).reshape(shape)
            return results.astype(problem.output_format.dtype)
    x, operands = rows_of(operation, arguments, axis).inputs
    y = _of_rows(problem, x.astype(np.float64), operands).astype(problem.output_format.dtype)
    return place.placed(y).reshape(shape) if operation.one_to_one else y.reshape(shape)


@np.errstate(over="ignore")
def _of_rows(problem: Problem, x: NDArray[np.float64], operands: Operands) -> NDArray[Any]:
    if x.shape[-1] == 0:
        fixed, expected = problem.special_values(x, operands)
        return as_numbers(expected, fixed)
    truth = exact_results(problem, x, operands).truth
    return as_numbers(truth.rounded, truth.fixed)
