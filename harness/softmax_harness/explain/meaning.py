"""What each step means: from which entries of its inputs an entry comes, and how, exactly."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
from numpy.typing import NDArray

from softmax_harness.operations.steps import exact_exp
from softmax_harness.subjects.trace import CONVERT, SELECT, Step

Places = NDArray[np.int64]


def _each(function: Callable[..., Any], arguments: int = 1) -> Callable[..., Any]:
    each: Callable[..., Any] = np.frompyfunc(function, arguments, 1)
    return each


def _quotient(a: Any, b: Any) -> Any:
    if b == 0:
        return mpmath.nan if a == 0 or mpmath.isnan(a) else mpmath.inf * mpmath.sign(a)
    return mpmath.mpf(0) if mpmath.isinf(b) and mpmath.isfinite(a) else a / b


def _logarithm(a: Any) -> Any:
    return mpmath.ninf if a == 0 else mpmath.log(a)


def _log_of_sum(a: Any, b: Any) -> Any:
    top = max(a, b)
    return top + _logarithm(exact_exp(a - top) + exact_exp(b - top))


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
    np.absolute: _each(abs),
    np.square: _each(lambda a: a * a),
    np.sqrt: _each(mpmath.sqrt),
    np.reciprocal: _each(lambda a: _quotient(mpmath.mpf(1), a)),
    np.exp: _each(exact_exp),
    np.exp2: _each(lambda a: exact_exp(a * mpmath.ln2)),
    np.expm1: _each(lambda a: exact_exp(a) - 1),
    np.log: _each(_logarithm),
    np.log1p: _each(lambda a: _logarithm(1 + a)),
    np.log2: _each(lambda a: _logarithm(a) / mpmath.ln2),
    np.logaddexp: _each(_log_of_sum, 2),
}
_REDUCTIONS: dict[Any, Callable[..., Any]] = {np.add: mpmath.fsum, np.maximum: max, np.minimum: min}


def is_known(step: Step) -> bool:
    """Whether the step can be taken exactly."""
    if step.function == SELECT:
        return True
    if "where" in step.keywords:
        return False
    if step.method == "reduce":
        return step.function in _REDUCTIONS
    if step.function is np.matmul:
        return step.output.ndim >= 2 and all(np.ndim(each) != 1 for each in step.inputs)
    return step.method == "__call__" and step.function in _MEANING


def sources(step: Step, shapes: list[tuple[int, ...]], wanted: Places) -> list[Places]:
    """Which entries of each input the wanted entries of the output come from, all counted flat.

    Parameters
    ----------
    shapes : list of tuple of int
        Of each input.
    wanted : ndarray of int64, shape (m,)

    Returns
    -------
    list of ndarray of int64
        Shape (m,); (m, k) where each entry comes from k of the input; of `SELECT` -1 for an entry
        that comes from another input.
    """
    if step.function == SELECT:
        return _selected(step, shapes, wanted)
    if step.method == "reduce":
        return [_reduced(step, shapes[0], wanted)]
    at = np.unravel_index(wanted, step.output.shape)
    if step.function is np.matmul:
        return _multiplied(shapes, at)
    whole = step.output.shape
    return [np.broadcast_to(_numbers(shape), whole)[at].reshape(-1) for shape in shapes]


def taken_exactly(step: Step, inputs: list[Any]) -> Any:
    """The wanted entries, from those of each input that `sources` names, as arrays of mpf."""
    if step.function == SELECT:
        values = inputs[0].copy()
        for other in inputs[1:]:
            here = np.array([each is not None for each in other.tolist()], bool)
            values[here] = other[here]
        return values
    if step.method == "reduce":
        rows = inputs[0].tolist()
        initial: Any = step.keywords.get("initial")
        more = [] if initial is None else [mpmath.mpf(float(initial))]
        return _objects([_REDUCTIONS[step.function]([*row, *more]) for row in rows])
    if step.function is np.matmul:
        pairs = zip(inputs[0].tolist(), inputs[1].tolist(), strict=True)
        return _objects([mpmath.fsum(map(operator.mul, a, b)) for a, b in pairs])
    return _MEANING[step.function](*inputs)


def _objects(values: list[Any]) -> Any:
    found = np.empty(len(values), object)
    found[:] = values
    return found


def _numbers(shape: tuple[int, ...]) -> Places:
    return np.arange(int(np.prod(shape)), dtype=np.int64).reshape(shape)


def _selected(step: Step, shapes: list[tuple[int, ...]], wanted: Places) -> list[Places]:
    assert step.places is not None
    found, before, places = [], 0, step.places.ravel()[wanted]
    for shape in shapes:
        after = before + int(np.prod(shape))
        found.append(np.where((places >= before) & (places < after), places - before, -1))
        before = after
    return found


def _reduced(step: Step, shape: tuple[int, ...], wanted: Places) -> Places:
    axis = step.keywords["axis"]
    axes = (
        tuple(range(len(shape))) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    )
    numbers = _numbers(shape)
    if not shape:
        return numbers.reshape(1, 1)[wanted]
    ends = tuple(range(-len(axes), 0))
    rows = np.moveaxis(numbers, axes, ends).reshape(step.output.size, -1)
    return np.asarray(rows[wanted])


def _multiplied(shapes: list[tuple[int, ...]], at: tuple[Places, ...]) -> list[Places]:
    """The row of the left one and the column of the right one."""
    *leads, row, column = at
    left, right = _numbers(shapes[0]), np.swapaxes(_numbers(shapes[1]), -1, -2)
    lead = np.broadcast_shapes(shapes[0][:-2], shapes[1][:-2])
    return [
        np.broadcast_to(numbers, (*lead, *numbers.shape[-2:]))[(*leads, place)]
        for numbers, place in ((left, row), (right, column))
    ]
