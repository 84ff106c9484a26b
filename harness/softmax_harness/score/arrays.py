"""Calls whose arrays lie in memory, whoever's they are."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.errors import BadData
from softmax_harness.ground.foreign_arrays import as_numpy, told_format
from softmax_harness.ground.formats import FORMATS, Format, format_of
from softmax_harness.operations import Operand, operation_named
from softmax_harness.score.pair import Given, Pair, check_call, pair_of
from softmax_harness.score.values import (
    check_format,
    check_output_format,
    check_rounded,
    check_values,
    from_bits,
)


def judged_pair(
    y: Any,
    x: Any,
    operands: Mapping[str, Any],
    operation: str,
    axis: int,
    y_format: Format | None = None,
) -> Pair:
    """Arrays of outputs and of the inputs they were computed from.

    Parameters
    ----------
    y : array
    x : array or None
        The logits; None for an operation that takes none.
    operands : mapping of str to array or number
        By name. A Python number is rounded to the format of the first argument.
    operation : str
    axis : int
    y_format : Format or None
        Of the outputs, where their type is wider, or holds bits; None for that of their type.

    Raises
    ------
    BadData, UnknownName
        If an array holds no numbers, or does not fit the others.
    """
    given, shape = _given(x, operands, operation, axis)
    outputs = as_numpy(y, "y")
    own_format = y_format or told_format(y, outputs)
    if y_format is not None:
        outputs = from_bits(outputs, y_format)
    check_output_format(outputs, "y")
    if not shape and outputs.ndim == 0 and given.operation.one_to_one:
        outputs = outputs.reshape(1)  # as its only logit is
    if y_format is not None:
        check_rounded(outputs, y_format, "y")
    return _checked(given, outputs, own_format or FORMATS[outputs.dtype.name])


def empty_pair(
    x: Any, operands: Mapping[str, Any], operation: str, axis: int, format: Format | None
) -> tuple[Pair, tuple[int, ...]]:
    """A pair whose outputs are still to be filled in, and the shape that they have for a caller.

    Parameters
    ----------
    format : Format or None
        Of the outputs; None for that of the inputs.
    """
    given, shape = _given(x, operands, operation, axis)
    expected = given.rows()[1]
    own = format or given.format
    made = np.empty(expected, own.dtype if own.has_type else own.wider)
    pair = _checked(given, made, own)
    return pair, expected if shape or not given.operation.one_to_one else ()


def _checked(given: Given, y: NDArray[Any], format: Format) -> Pair:
    pair = pair_of(given, y, format)
    check_values(pair, given.operands, given.called)
    return pair


def _given(
    x: Any, operands: Mapping[str, Any], operation: str, axis: int
) -> tuple[Given, tuple[int, ...]]:
    """The call, and the shape of its first argument, of which a single number is made a row."""
    about = operation_named(operation)
    first, *_ = about.parameters
    others = dict(operands)
    if about.takes_logits:
        found = x
    elif x is None:
        found = others.pop(first, None)
    else:
        raise BadData(f"x was given, but {operation} takes {', '.join(about.parameters)} by name")
    if found is None:
        raise BadData(f"{operation} takes {', '.join(about.parameters)}: expected {first}=ARRAY")
    array = as_numpy(found, first)
    check_format(array, first)
    own, ndim = told_format(found, array), max(array.ndim, 1)
    axis = _whole(axis)
    check_call(about, ndim, axis, others, f"axis={axis}")
    kinds = {each.name: each for each in about.operands}
    named = {
        name: _operand(value, name, kinds[name], own or format_of(array))
        for name, value in others.items()
    }
    given = Given(
        operation=about,
        first=np.atleast_1d(array),
        operands=named,
        axis=axis,
        called={name: name for name in (*about.parameters, "y")},
        wanted="{}=ARRAY",
        own_format=own,
    )
    return given, array.shape


def _whole(axis: Any) -> int:
    try:
        return operator.index(axis)
    except TypeError:
        raise BadData(f"axis={axis!r}: expected a whole number, such as -1") from None


def _operand(value: Any, name: str, about: Operand, format: Format) -> NDArray[Any]:
    is_plain = type(value) in (int, float)  # and no scalar of NumPy, which has a format of its own
    if is_plain and about.kind == "float":
        return format.nearest(value)
    return as_numpy(value, name)
