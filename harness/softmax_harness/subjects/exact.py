"""The correctly rounded results, made from the truth: what no implementation can improve on."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from softmax_implementations import Implementation
from softmax_implementations.registry import floating

from softmax_harness.ground.formats import FORMATS, format_of
from softmax_harness.operations import OPERATIONS, Arrangement, Operands, Operation, Problem
from softmax_harness.truth import exact_results

_DTYPES = tuple(FORMATS)


@cache
def exact_of(operation: str) -> Implementation:
    """The correctly rounded implementation of an operation."""
    about = OPERATIONS[operation]

    def exactly(*arguments: NDArray[Any], axis: int = -1) -> NDArray[Any]:
        """The exact value of each result, rounded once, by the screen and mpmath."""
        first = floating(arguments[0])
        return _rounded(about, (first, *arguments[1:]), axis)

    return Implementation(
        "exact", exactly, _DTYPES, bound="exact", standard="rounded", operation=operation
    )


def _rounded(operation: Operation, arguments: Operands, axis: int) -> NDArray[Any]:
    first, operands = arguments[0], arguments[1:]
    if not operation.takes_logits:  # as many as a query has keys, whatever they are
        keys, operands = arguments[1], arguments
        first = np.zeros((*arguments[0].shape[:-2], keys.shape[-2]), arguments[0].dtype)
    place = Arrangement(first.shape, axis)
    about = zip(operands, operation.operands, strict=True)
    rows = tuple(place.as_rows(each, operand.ndim) for each, operand in about)
    x = place.as_rows(first, 1).astype(np.float64)
    problem = Problem.of(operation, format_of(arguments[0]))
    with np.errstate(over="ignore"):
        if x.shape[-1] == 0:
            _, found = problem.special_values(x, rows)
        else:
            found = exact_results(problem, x, rows).truth.rounded
        y = found.astype(problem.output_format.dtype)
    shape = operation.shape_of_results(arguments, axis)
    return place.placed(y).reshape(shape) if operation.one_to_one else y.reshape(shape)
