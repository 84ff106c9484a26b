"""The rows of a call: views of its arguments, none of them copied."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.errors import BadData
from softmax_harness.operations.operand import Arrangement, Inputs, Operand, Operands
from softmax_harness.operations.operation import Operation


@dataclass(frozen=True)
class CallRows:
    """The rows of one call.

    Attributes
    ----------
    others : tuple of int
        How the rows stand in the call.
    x : ndarray, shape (*others, n)
        The logits; zeros where the call has none.
    operands : tuple of ndarray
        Each of the shape (*others, ...), the rest being its own dimensions.
    """

    others: tuple[int, ...]
    x: NDArray[Any]
    operands: Operands

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return math.prod(self.others)

    @property
    def inputs(self) -> Inputs:
        """The rows one after another, in the order of the results."""
        around = len(self.others)
        x, *operands = (
            each.reshape((self.rows, *each.shape[around:])) for each in (self.x, *self.operands)
        )
        return Inputs(x, tuple(operands))

    @property
    def numbers(self) -> int:
        """How many numbers a row has, its operands included."""
        around = len(self.others)
        return sum(math.prod(each.shape[around:]) for each in (self.x, *self.operands))


def rows_of(operation: Operation, arguments: Operands, axis: int) -> CallRows:
    """The rows of a call with these arguments, operands broadcast as they need it.

    Raises
    ------
    BadData
        If an argument does not fit the others.
    """
    if operation.takes_logits:
        return _along_axis(operation, arguments, axis)
    return _of_queries(operation, arguments)


def _along_axis(operation: Operation, arguments: Operands, axis: int) -> CallRows:
    x = np.atleast_1d(arguments[0])
    moved = np.moveaxis(x, axis, -1)
    others = Arrangement(x.shape, axis).others
    own = _own_shapes(operation, x.shape[axis])
    operands = tuple(
        _beside(about, given, moved.shape[:-1], each, axis, x.shape)
        for about, given, each in zip(operation.operands, arguments[1:], own, strict=True)
    )
    return CallRows(others, moved, operands)


def _own_shapes(operation: Operation, n: int) -> list[tuple[int, ...]]:
    """The dimensions that each operand has for a row of n logits, as a run makes it."""
    made = operation.inputs(np.zeros((1, 2), np.float32), np.random.default_rng(0)).operands
    return [
        tuple(n if place == about.entries else size for place, size in enumerate(each.shape[1:]))
        for about, each in zip(operation.operands, made, strict=True)
    ]


def _beside(
    about: Operand,
    given: NDArray[Any],
    others: tuple[int, ...],
    own: tuple[int, ...],
    axis: int,
    shape: tuple[int, ...],
) -> NDArray[Any]:
    """An operand beside logits of a shape; one of one dimension has it along the same axis."""
    wanted = (*others, *own)
    is_along = about.ndim == 1 and given.ndim == len(shape)
    try:
        placed = np.moveaxis(given, axis, -1) if is_along else given
        return np.broadcast_to(placed, wanted)
    except ValueError:
        expected = list(others)
        if about.ndim == 1:
            expected.insert(axis % len(shape), own[0])
        raise BadData(
            f"{about.name} has the shape {given.shape}: expected {tuple(expected)}, or what "
            f"broadcasts to it, beside logits of the shape {shape}"
        ) from None


def _of_queries(operation: Operation, arguments: Operands) -> CallRows:
    """A row for each query: what has no entries first has an axis of queries before the others.

    The first argument has the shape (..., L, d), the second (..., S, d), the third (..., S, c).
    """
    leading = _leading(operation, arguments)
    queries, keys = arguments[0].shape[-2], arguments[1].shape[-2]
    others = (*leading, queries)
    operands = []
    for about, given in zip(operation.operands, arguments, strict=True):
        own = given.shape[-2:]
        if about.entries == 0:
            operands.append(np.broadcast_to(given[..., None, :, :], (*others, *own)))
        else:
            whole = np.broadcast_to(given, (*leading, queries, own[1]))
            operands.append(whole[..., None, :])
    x = np.broadcast_to(np.zeros((), arguments[0].dtype), (*others, keys))
    return CallRows(others, x, tuple(operands))


def _leading(operation: Operation, arguments: Operands) -> tuple[int, ...]:
    """The axes before the last two, broadcast."""
    about = operation.operands
    wanted = [f"{each.name} (..., {own})" for each, own in zip(about, _letters(about), strict=True)]
    told = ", ".join(
        f"{each.name} {given.shape}" for each, given in zip(about, arguments, strict=True)
    )
    told = f"{told}: expected {', '.join(wanted[:-1])} and {wanted[-1]}"
    if min(each.ndim for each in arguments) < 2:
        raise BadData(f"{told}, at least two axes each")
    if not all(arguments[0].shape[-1:]):
        raise BadData(f"{told}, with d at least 1: without components there are no scores")
    try:
        leading = np.broadcast_shapes(*(each.shape[:-2] for each in arguments))
    except ValueError:
        raise BadData(f"{told}, with axes before these that broadcast") from None
    if not _fit(about, arguments):
        raise BadData(told)
    return leading


def _letters(about: tuple[Operand, ...]) -> list[str]:
    """The last two axes of each argument: L queries of d components, S keys, c of each result.

    After the first three come arguments for each query: with an entry for each key, or one number.
    """
    others = ("L, 1" if each.entries is None else "L, S" for each in about[3:])
    return ["L, d", "S, d", "S, c", *others]


def _fit(about: tuple[Operand, ...], arguments: Operands) -> bool:
    """Whether each letter of `_letters` has one size; 1 stands for L, too, as it is broadcast."""
    sizes: dict[str, set[int]] = {"1": {1}}
    for letters, given in zip(_letters(about), arguments, strict=True):
        for letter, size in zip(letters.split(", "), given.shape[-2:], strict=True):
            sizes.setdefault(letter, set()).add(size)
    queries = sizes.pop("L") - {1, arguments[0].shape[-2]}
    return not queries and all(len(each) == 1 for each in sizes.values())
