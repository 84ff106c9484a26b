"""What is to be explained, as a command or a caller names it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from softmax_harness.explain.given import check_operands, logits_of, options_of, with_operands
from softmax_harness.explain.misread import misread
from softmax_harness.explain.row import literal
from softmax_harness.ground.errors import BadData
from softmax_harness.ground.formats import format_named, format_of
from softmax_harness.ground.npy import read_npy
from softmax_harness.inputs import witness
from softmax_harness.inputs.families import Recipe
from softmax_harness.inputs.families.npy_file import npy_family
from softmax_harness.inputs.written import number_in
from softmax_harness.operations import Operation, Policy, Problem
from softmax_harness.subjects.declaration import Said, problem_of
from softmax_harness.subjects.named import available, implementation_named, subject_of
from softmax_harness.subjects.subject import Subject

_USUAL = Policy()


def witness_of(
    what: tuple[str, ...],
    row: int | None,
    dtype: str | None,
    operation: Operation,
    operands: dict[str, str],
    policy: Policy = _USUAL,
) -> witness.Witness:
    """The input that words stand for.

    Parameters
    ----------
    what : tuple of str
        Numbers, a witness, or the path of a .npy file.
    row : int or None
        The row of the file, or of the queries that are given.
    dtype : str or None
        The format of numbers, or of what the file holds.
    operands : dict of str to str
        Each as text, or the path of a .npy file.

    Raises
    ------
    BadData, UnknownName
        If the words stand for nothing.
    """
    check_operands(operands, operation)
    single = what[0] if len(what) == 1 else ""
    if single.endswith(".npy") and not witness.is_witness(single):
        if not operation.takes_logits:
            first = operation.parameters[0]
            raise BadData(f"{single} was given: expected --{first} FILE.npy for {operation.name}")
        found = _row_of_file(Path(single), row or 0, dtype, operation, operands)
        return _under(found, policy)
    if row is not None and (what or operation.takes_logits):
        raise BadData(f"--row {row} was given without a FILE: expected FILE.npy --row {row}")
    if witness.is_witness(single):
        if dtype is not None:
            raise BadData(f"--dtype {dtype} was given, but a witness names its own: leave it out")
        return _under(with_operands(witness.parse(single, operation), operands, 1, 0), policy)
    if not what and operation.takes_logits:
        raise BadData("nothing was given to explain: expected NUMBERS..., a WITNESS or a FILE")
    if what and not operation.takes_logits:
        raise BadData(
            f"{' '.join(what)} was given, but {operation.name} takes no logits: expected "
            f"{options_of(operation)}, or a WITNESS"
        )
    numbers = _numbers(what, operation) if what else logits_of(operands, operation)
    made = literal(numbers, Problem.of(operation, format_named(dtype or "float64")))
    found, place = with_operands(made, operands, 1, 0), row or 0
    if place >= len(found.block):
        raise BadData(
            f"--row {row}: there is no such row: the call has {len(found.block)}, counted from 0"
        )
    return _under(replace(found, row=place), policy)


def _under(found: witness.Witness, policy: Policy) -> witness.Witness:
    return replace(found, problem=replace(found.problem, policy=policy))


def _numbers(words: tuple[str, ...], operation: Operation) -> NDArray[np.float64]:
    """The numbers written in `words`, also between commas: decimal or hexadecimal, inf and nan."""
    numbers = []
    for word in (part for text in words for part in text.split(",") if part):
        try:
            numbers.append(number_in(word))
        except (ValueError, OverflowError):
            raise misread(words, word, operation.name) from None
    if not numbers:
        raise BadData(f"{' '.join(words)!r} holds no number: expected numbers such as 2.0 -1e4")
    return np.array(numbers)


def _row_of_file(
    path: Path, row: int, dtype: str | None, operation: Operation, operands: dict[str, str]
) -> witness.Witness:
    family = npy_family(path, dtype)
    format = format_named(dtype) if dtype else format_of(read_npy(path))
    rows, lengths = family.rows or 0, family.lengths or (0,)
    if row >= rows:
        raise BadData(f"{path}: there is no row {row}: it has {rows} rows, counted from 0")
    recipe = Recipe(family, format, lengths[0], rows, 0)
    start = row - row % recipe.rows_per_block
    problem = Problem.of(operation, format)
    block = recipe.block(start)
    found = witness.Witness(problem, block, row - start, None, (recipe, start))
    return with_operands(found, operands, rows, start)


def subjects_of(found: witness.Witness, names: tuple[str, ...], said: Said) -> list[Subject]:
    """The implementations that are named, or all, as far as they take the format.

    Raises
    ------
    HarnessError
        If a name is of nothing, none of them takes the format, or what is said does not fit.
    """
    operation = found.problem.operation
    said.check_concerns(names)
    named = [implementation_named(name, operation.name, said) for name in names]
    named = named or available(operation.name)
    able = [each for each in named if found.format.name in each.dtypes and not each.unavailable]
    if not able:
        raise BadData(
            f"none of {', '.join(each.name for each in named)} takes {found.format.name}: "
            "see softmax-harness list"
        )
    policy = found.problem.policy
    return [subject_of(each, problem_of(each, operation, found.format, policy)) for each in able]
