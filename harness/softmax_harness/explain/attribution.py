"""How much of the final error each step added, given its computed inputs.

Let F_k be the result if the first k steps are as computed and all later ones exact. F_0 is the
exact softmax and the last F is the computed output, so that the differences F_k - F_(k-1), one
for each step, add up to the whole error: nothing is counted twice and nothing is left over.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import mpmath
import numpy as np
from numpy.typing import NDArray

from softmax_harness.explain.exact_steps import exact_exp
from softmax_harness.explain.trace import CONVERT, Step
from softmax_harness.operations.elementary import exact_values

_BITS = 192


def _each(function: Callable[..., Any], arguments: int = 1) -> Callable[..., Any]:
    each: Callable[..., Any] = np.frompyfunc(function, arguments, 1)
    return each


def _quotient(a: Any, b: Any) -> Any:
    if b == 0:
        return mpmath.nan if a == 0 or mpmath.isnan(a) else mpmath.inf * mpmath.sign(a)
    return mpmath.mpf(0) if mpmath.isinf(b) and mpmath.isfinite(a) else a / b


def _logarithm(a: Any) -> Any:
    return mpmath.ninf if a == 0 else mpmath.log(a)


# What each ufunc means, on arrays of mpf.
_MEANING: dict[Any, Callable[..., Any]] = {
    CONVERT: lambda a: a,
    np.add: _each(operator.add, 2),
    np.subtract: _each(operator.sub, 2),
    np.multiply: _each(operator.mul, 2),
    np.divide: _each(_quotient, 2),
    np.maximum: _each(max, 2),
    np.minimum: _each(min, 2),
    np.negative: _each(operator.neg),
    np.reciprocal: _each(lambda a: _quotient(mpmath.mpf(1), a)),
    np.exp: _each(exact_exp),
    np.exp2: _each(lambda a: exact_exp(a * mpmath.ln2)),
    np.expm1: _each(lambda a: exact_exp(a) - 1),
    np.log: _each(_logarithm),
    np.log1p: _each(lambda a: _logarithm(1 + a)),
    np.log2: _each(lambda a: _logarithm(a) / mpmath.ln2),
}


@dataclass(frozen=True)
class Added:
    """What one step did to one element of the result.

    Attributes
    ----------
    step : Step
    computed : float or longdouble
        Its computed output, at the element or for the row.
    ulp : float
        F_k - F_(k-1) in ulp of the exact result; infinite or NaN from where the result is lost.
    """

    step: Step
    computed: Any
    ulp: float


def attributed(
    steps: list[Step], logits: NDArray[Any], row: int, index: int, ulp: float
) -> tuple[Any, list[Added]] | None:
    """F_0 and what each step added to element `index` of row `row`; None if a step is unknown.

    Parameters
    ----------
    steps : list of Step
        Up to the one that gave the result.
    logits : ndarray, shape (rows, n)
        What the implementation was called on.
    ulp : float
        Unit in which the additions are given.
    """
    if not all(_is_known(step) for step in steps):
        return None
    largest = float(np.max(np.abs(logits[row][np.isfinite(logits[row])]), initial=1.0))
    with mpmath.workprec(_BITS + max(0, int(np.log2(largest))) + logits.dtype.itemsize * 8):
        start = _row_of(logits, row, len(logits))
        outputs = [_row_of(step.output, row, len(logits)) for step in steps]
        results = [
            _continued(steps, outputs[:done], start, row, len(logits))[index]
            for done in range(len(steps) + 1)
        ]
        added = []
        for step, before, after in zip(steps, results, results[1:], strict=False):
            value = _row_of_array(step.output, row, len(logits)).ravel()
            shown = value[index if value.size > 1 else 0]
            added.append(Added(step, shown, float((after - before) / ulp)))
        return results[0], added


def _is_known(step: Step) -> bool:
    if step.method == "reduce":
        return step.function in (np.add, np.maximum, np.minimum) and "where" not in step.keywords
    return step.method == "__call__" and step.function in _MEANING and "where" not in step.keywords


def _continued(
    steps: list[Step], computed: list[Any], start: Any, row: int, rows: int
) -> list[Any]:
    """The result with the steps after `computed` taken exactly, shape (n,)."""
    values = list(computed)
    for step in steps[len(computed) :]:
        inputs = []
        for source in step.inputs:
            if isinstance(source, int):
                inputs.append(values[source] if source >= 0 else start)
            else:
                inputs.append(_row_of(source, row, rows))
        values.append(_taken_exactly(step, inputs))
    return list(np.broadcast_to(values[-1], start.shape).ravel())


def _taken_exactly(step: Step, inputs: list[Any]) -> Any:
    if step.method != "reduce":
        return _MEANING[step.function](*inputs)
    terms = list(inputs[0].ravel())
    if "initial" in step.keywords and np.isscalar(step.keywords["initial"]):
        start: Any = step.keywords["initial"]
        terms.append(mpmath.mpf(float(start)))
    total = {np.add: mpmath.fsum, np.maximum: max, np.minimum: min}[step.function](terms)
    return np.array([[total]], dtype=object)


def _row_of_array(array: NDArray[Any], row: int, rows: int) -> NDArray[Any]:
    """The part of an intermediate array that belongs to the row, shape (1, n), (1, 1) or ()."""
    if array.ndim == 0:
        return array.reshape(1, 1)
    if array.ndim == 1:
        return array[row].reshape(1, 1) if array.shape == (rows,) else array.reshape(1, -1)
    return array[row : row + 1] if array.shape[0] == rows else array[:1]


def _row_of(array: NDArray[Any], row: int, rows: int) -> Any:
    part = _row_of_array(array, row, rows)
    values = np.empty(part.size, dtype=object)
    values[:] = exact_values(part.ravel())
    return values.reshape(part.shape)
