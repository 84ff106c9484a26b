"""Operands that are given to an explanation, as text or in files."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.errors import BadData, unknown
from softmax_harness.ground.npy import read_npy
from softmax_harness.inputs.witness import Witness, fitted, parsed_operand
from softmax_harness.operations import Operand, Operation, Problem
from softmax_harness.operations.calls import rows_of


def check_operands(names: Mapping[str, str], operation: Operation) -> None:
    """Refuse an operand that the operation does not take."""
    known = [each.name for each in operation.operands]
    for name in names:
        if not known:
            raise BadData(f"operand {name} was given, but {operation.name} takes logits alone")
        if name not in known:
            raise unknown(f"operand of {operation.name}", name, known)


def with_operands(witness: Witness, given: Mapping[str, str], rows: int, start: int) -> Witness:
    """The witness with some operands in place of those that a run would make.

    An operand of all rows keeps the row in its block; where one is of a single row, the row stands
    alone. Of a call of several queries each is a row. Of numbers alone an operand that a call may
    leave out is left out.

    Parameters
    ----------
    given : mapping of str to str
        By name, numbers as in a witness, or the path of a .npy file.
    rows, start : int
        Of how many rows an operand may be, and which of them is the first of the block.
    """
    if not given:
        return witness
    problem, block = witness.problem, witness.block
    found = {
        about.name: _operand(about, given[about.name], problem, block.shape[-1], rows)
        for about in problem.operation.operands
        if about.name in given
    }
    size = len(block)
    whole = all(is_whole for _, is_whole in found.values())
    own = slice(0, size) if whole else slice(witness.row, witness.row + 1)
    operands = []
    is_written = witness.given is None and witness.made_from is None
    for about, own_made in zip(problem.operation.operands, witness.operands, strict=True):
        is_left_out = is_written and about.absent is not None
        made = np.full_like(own_made, about.absent) if is_left_out else own_made
        values, is_whole = found.get(about.name, (made, None))
        if is_whole:
            values = values[start : start + size]
        operands.append(values if is_whole is False else values[own])
    row = witness.row if whole else 0
    arguments = problem.operation.called_with(block[own], tuple(operands))
    call = rows_of(problem.operation, arguments, -1)
    if 0 in problem.operation.shape_of_results(arguments):
        named = zip(problem.operation.parameters, arguments, strict=True)
        shapes = ", ".join(f"{name} {each.shape[1:]}" for name, each in named)
        raise BadData(f"{shapes}: such a row has no results; expected at least one to explain")
    stored, given_ = block[own], tuple(operands)
    own_shape, made_shape = (each[0].shape[1:-1] for each in (arguments, witness.operands))
    if call.rows != len(stored) and own_shape != made_shape:
        if made_shape != (1,):
            first = problem.operation.parameters[0]
            raise BadData(f"{first} has {own_shape[0]} rows: expected {made_shape[0]}")
        # A call of several queries, each of which is a row.
        stored, given_ = call.inputs.x.astype(block.dtype), call.inputs.operands
    return replace(witness, block=stored, row=row, made_from=None, given=given_)


def logits_of(given: Mapping[str, str], operation: Operation) -> NDArray[np.float64]:
    """As many zeros as the operands have entries, for an operation that takes no logits."""
    for about in operation.operands:
        if about.name in given and about.entries is not None:
            return np.zeros(_own(about, given[about.name]).shape[about.entries - about.ndim])
    raise BadData(
        f"nothing that tells how long a row of {operation.name} is was given: expected "
        f"{options_of(operation)}, or a WITNESS"
    )


def options_of(operation: Operation) -> str:
    """The options that give its operands."""
    return ", ".join(f"--{each.name}" for each in operation.operands)


def _own(about: Operand, text: str) -> NDArray[Any]:
    if not text.endswith(".npy"):
        return parsed_operand(about, text)
    found = read_npy(Path(text))
    if found.dtype.kind not in "fiubV":
        raise BadData(f"{about.name}={text} is of {found.dtype}: expected real numbers")
    return found


def _operand(
    about: Operand, text: str, problem: Problem, n: int, rows: int
) -> tuple[NDArray[Any], bool]:
    """An operand with its axis of rows, and whether it is of all of them."""
    values = np.asarray(_own(about, text))
    own = values.shape[max(values.ndim - about.ndim, 0) :]
    if len(own) != about.ndim:
        raise BadData(f"{about.name}={text} has the shape {values.shape}: expected more axes")
    count = math.prod(values.shape[: values.ndim - about.ndim])
    if count not in (1, rows):
        expected = f"1 or {rows}" if rows > 1 else "1"
        raise BadData(
            f"{about.name}={text} is of {count} rows: expected {expected}; of a whole call, score "
            "prints how its worst row is explained"
        )
    each = [fitted(about, n, row, problem) for row in values.reshape(count, *own)]
    return np.array(each).reshape(count, *own), rows > 1 and count == rows
