"""The correctly rounded results, made from the truth: what no implementation can improve on."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from softmax_implementations import Implementation
from softmax_implementations.registry import floating

from softmax_harness.ground.formats import FORMATS, format_of
from softmax_harness.operations import OPERATIONS, Operands, Problem
from softmax_harness.truth import exact_results

_DTYPES = tuple(FORMATS)


def exact(x: NDArray[Any], axis: int = -1) -> NDArray[Any]:
    """The exact value of each element, rounded once, by the screen and mpmath."""
    x = floating(x)
    if x.size == 0:
        return x.copy()
    rows = np.moveaxis(np.atleast_1d(x), axis, -1)
    rounded = _rounded("softmax", rows.reshape(-1, rows.shape[-1]), ())
    result = np.moveaxis(rounded.reshape(rows.shape), -1, axis)
    return np.ascontiguousarray(result).reshape(x.shape)


def _rounded(operation: str, x: NDArray[Any], operands: Operands) -> NDArray[Any]:
    format = format_of(x)
    problem = Problem.of(OPERATIONS[operation], format)
    truth = exact_results(problem, x.astype(np.float64), operands).truth
    with np.errstate(over="ignore"):
        return truth.rounded.astype(format.dtype)


@cache
def exact_of(operation: str) -> Implementation:
    """The correctly rounded implementation of an operation; other than softmax: of matrices."""
    if operation == "softmax":
        return Implementation("exact", exact, _DTYPES, bound="exact", standard="rounded")
    about = OPERATIONS[operation]

    def exactly(*arguments: NDArray[Any], axis: int = -1) -> NDArray[Any]:
        if axis == 0 and arguments[0].ndim == 2:
            found = exactly(*(each.T if each.ndim == 2 else each for each in arguments))
            return found if about.one_result else found.T
        if about.has_axis:
            x, operands = arguments[0], arguments[1:]
        else:
            mask = arguments[-1]
            x, operands = np.zeros(mask[:, 0].shape, arguments[0].dtype), arguments
        if x.ndim != 2 or axis not in (-1, 1):
            raise ValueError(f"exact {operation} takes arrays with two axes")
        shape = about.shape_of_results(arguments, axis)
        return _rounded(operation, x, operands).reshape(shape)

    exactly.__doc__ = exact.__doc__
    return Implementation(
        "exact", exactly, _DTYPES, bound="exact", standard="rounded", operation=operation
    )
