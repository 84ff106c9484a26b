"""Witnesses: the input that produced a number, written so that it can be made again exactly."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.errors import BadData, unknown
from softmax_harness.ground.formats import FORMATS, Format, dtype_name, format_named
from softmax_harness.inputs.families import FAMILIES, Recipe
from softmax_harness.inputs.families.npy_file import npy_family
from softmax_harness.inputs.written import number_in
from softmax_harness.operations import (
    DEFAULT_OPERATION,
    Operand,
    Operands,
    Operation,
    Problem,
    operation_named,
)

_PLACE = r"\d{1,15}"  # more than any memory has
_RECIPE = re.compile(
    rf"(?P<family>.+),n=(?P<n>{_PLACE}),rows=(?P<rows>{_PLACE}),"
    rf"seed=(?P<seed>\d{{1,1000}})@(?P<row>{_PLACE}),(?P<index>{_PLACE})"
)
_FAMILY = re.compile("[,@]")
RECIPE = (
    "DTYPE:FAMILY,n=N,rows=R,seed=S@ROW,INDEX, such as float32:normal-10,n=100,rows=4,seed=0@0,0"
)
LITERAL = "DTYPE:NUMBER,NUMBER,...[;OPERAND=NUMBER,...]@INDEX, such as float32:1,2.5@0"
_LITERAL = re.compile(rf"(?P<numbers>[^@;]+)(?P<operands>(;[^@;]+)*)@(?P<index>{_PLACE})")


@dataclass(frozen=True)
class Witness:
    """One element of one row, with the block in which the row was computed.

    Attributes
    ----------
    problem : Problem
        What is computed of them, and in which formats.
    block : ndarray, shape (rows, n)
        The inputs as they were put to the implementation.
    row : int
        The row, within the block.
    index : int or None
        The element, where one is meant.
    made_from : tuple of Recipe and int, or None
        The recipe of the block and the row of it at which the block begins.
    given : tuple of ndarray or None
        The operands of the block, where they are given and not made.
    """

    problem: Problem
    block: NDArray[Any]
    row: int
    index: int | None
    made_from: tuple[Recipe, int] | None = None
    given: Operands | None = None

    @property
    def format(self) -> Format:
        """The format of the inputs."""
        return self.problem.input_format

    @cached_property
    def operands(self) -> Operands:
        """The operands of the block: those that are given, or else made as a run makes them."""
        if self.given is not None:
            return self.given
        if self.made_from is None:
            rng = np.random.default_rng(0)
        else:
            recipe, start = self.made_from
            rng = recipe.random_operands(start)
        return self.problem.operation.make_operands(self.block, rng)


def recipe_text(recipe: Recipe, row: int, index: int) -> str:
    """``float32:normal-10,n=1000,rows=4,seed=0@2,17``: row 2, index 17 of that recipe."""
    return (
        f"{recipe.format.name}:{recipe.family.name},n={recipe.n},rows={recipe.rows},"
        f"seed={recipe.seed}@{row},{index}"
    )


def is_witness(text: str) -> bool:
    """Whether `text` begins as a witness does, with the name of a format and a colon."""
    return dtype_name(text.partition(":")[0]) in FORMATS and ":" in text


def parse(text: str, operation: Operation | str = DEFAULT_OPERATION) -> Witness:
    """The inputs a witness of an operation stands for.

    Raises
    ------
    BadData, UnknownName
        If the text is no witness, or names a family or file that is not there.
    """
    name, _, rest = text.partition(":")
    about = operation_named(operation) if isinstance(operation, str) else operation
    problem = Problem.of(about, format_named(name))
    if found := _RECIPE.fullmatch(rest):
        return _from_recipe(problem, found)
    if _FAMILY.split(rest)[0] in FAMILIES or "n=" in rest or "rows=" in rest:
        raise BadData(f"{text!r} {_lacking(rest)}: expected {RECIPE}")
    if found := _LITERAL.fullmatch(rest):
        return _from_literal(problem, found)
    if "@" not in rest:
        raise BadData(f"{text!r} does not say which result is meant: add @INDEX, such as @0")
    raise BadData(f"{text!r} is not a witness: expected {RECIPE} or {LITERAL}")


def _lacking(rest: str) -> str:
    """What is wrong with the text of a recipe."""
    names = [name for name in ("n=", "rows=", "seed=") if f",{name}" not in rest]
    if "@" not in rest:
        names.append("@ROW,INDEX")
    if names:
        return f"lacks {' and '.join(names)}"
    return "is not the text of a recipe"


def _from_literal(problem: Problem, found: re.Match[str]) -> Witness:
    words = found["numbers"].split(",")
    block = np.array([[_number(word, _ENTRIES["float"]) for word in words]])
    texts = [part.partition("=") for part in found["operands"].split(";")[1:]]
    given = operands_of(problem, block, {name: text for name, _, text in texts}) if texts else None
    index = int(found["index"])
    if problem.operation.one_to_one:
        _inside(index, block.shape[-1], found.string)
    return Witness(problem, held(block, problem.input_format), 0, index, given=given)


def held(values: NDArray[Any], format: Format) -> NDArray[Any]:
    """The numbers in a format.

    Raises
    ------
    BadData
        If one of them is too large for a format that has no infinity.
    """
    beyond = np.abs(values.astype(np.float64)) > format.overflow_bound
    if not format.has_infinity and beyond.any():
        raise BadData(
            f"{values[beyond][0]:g} is no number of {format.name}, which has no infinity: expected "
            f"numbers from {-format.largest:g} to {format.largest:g}, or nan"
        )
    return format.stored(values)


def operands_of(problem: Problem, x: NDArray[Any], texts: Mapping[str, str]) -> Operands:
    """The operands of one row, each from its text.

    Raises
    ------
    BadData
        If an operand is missing or unknown, or does not fit the logits.
    """
    about = problem.operation.operands
    names = [each.name for each in about]
    if set(names) != set(texts):
        raise BadData(
            f"operands {', '.join(texts) or 'none'} were given for {problem.operation.name}: "
            f"expected {', '.join(names) or 'none'}"
        )
    return tuple(
        fitted(each, x.shape[-1], parsed_operand(each, texts[each.name]), problem)[None]
        for each in about
    )


def parsed_operand(about: Operand, text: str) -> NDArray[Any]:
    """The numbers of an operand of one row, from their text.

    Raises
    ------
    BadData
        If there are more or fewer dimensions than it has, or something is no number.
    """
    lines = [[_entry(about, word) for word in line.split(",")] for line in text.split("/")]
    if len({len(line) for line in lines}) != 1 or (about.ndim < 2 and len(lines) > 1):
        raise BadData(f"{about.name}={text}: expected {_DIMENSIONS[about.ndim]}")
    whole = np.array(lines)
    if about.ndim == 0 and whole.size != 1:
        raise BadData(f"{about.name}={text}: expected one number")
    return whole if about.ndim == 2 else whole.ravel() if about.ndim else whole[0, 0]


def fitted(about: Operand, n: int, values: NDArray[Any], problem: Problem) -> NDArray[Any]:
    """An operand of one row of n logits, as a problem stores it.

    Raises
    ------
    BadData
        If it does not fit the logits.
    """
    if about.entries is not None and values.shape[about.entries] != n:
        raise BadData(
            f"{about.name} has {values.shape[about.entries]} entries: expected one for each of "
            f"the {n} logits"
        )
    if about.is_class and not (values == np.floor(values) and 0 <= values < n):
        raise BadData(
            f"{about.name}={values:g}: expected the place of one of the {n} logits, from 0"
        )
    if about.kind == "float":
        return held(values, problem.input_format)
    if about.kind == "bool" and not np.isin(values, (0, 1)).all():
        raise BadData(f"{about.name} holds numbers other than 0 and 1: expected 1 for what is seen")
    return np.asarray(values).astype(np.int64 if about.kind == "int" else bool)


_TRUTHS = {"false": 0.0, "true": 1.0}
_ENTRIES = {
    "float": "one such as 1.5, 0x1.8p+1 or -inf",
    "int": "the place of a logit as {}, such as 0",
    "bool": "0 or 1 in {}, or false or true, 1 for what is seen",
}
_DIMENSIONS = ("one number", "numbers between commas", "rows of numbers between slashes")


def _from_recipe(problem: Problem, found: re.Match[str]) -> Witness:
    family = FAMILIES.get(found["family"])
    if family is None:
        if not found["family"].endswith(".npy"):
            raise unknown("family", found["family"], FAMILIES)
        family = npy_family(Path(found["family"]))
    n, rows = int(found["n"]), int(found["rows"])
    recipe = Recipe(family, problem.input_format, n, rows, int(found["seed"]))
    row = _inside(int(found["row"]), rows, found.string, "row")
    start = row - row % recipe.rows_per_block
    index = int(found["index"])
    if problem.operation.one_to_one:
        _inside(index, n, found.string)
    return Witness(problem, recipe.block(start), row - start, index, (recipe, start))


def _inside(place: int, size: int, text: str, what: str = "result") -> int:
    if place >= size:
        raise BadData(f"{text!r}: {what} {place} is outside: expected one of 0 to {size - 1}")
    return place


def _entry(about: Operand, word: str) -> float:
    """The number of one entry of an operand; of a mask true and false, too."""
    if about.kind == "bool" and word.strip().lower() in _TRUTHS:
        return _TRUTHS[word.strip().lower()]
    return _number(word, _ENTRIES[about.kind].format(about.name))


def _number(word: str, expected: str) -> float:
    try:
        return number_in(word)
    except (ValueError, OverflowError):
        raise BadData(f"{word!r} is not a number: expected {expected}") from None
