"""What the strategies draw: a family, a length, rows and a seed; or rows of a fixed set."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from hypothesis import strategies

from softmax_harness.ground.errors import BadData, unknown
from softmax_harness.ground.formats import Format, format_named
from softmax_harness.ground.guest import as_guest
from softmax_harness.inputs.families import FAMILIES, Family, Recipe
from softmax_harness.operations import Inputs, Operation, operation_named

_LAST_SEED = 2**16 - 1


@dataclass(frozen=True)
class Wanted:
    """What is drawn.

    Attributes
    ----------
    operation : Operation
    format : Format
    families : tuple of Family
        Each has rows that are short enough.
    max_rows, max_n : int
    """

    operation: Operation
    format: Format
    families: tuple[Family, ...]
    max_rows: int
    max_n: int

    @classmethod
    def of(
        cls, operation: str, dtype: str, families: Sequence[str], max_rows: int, max_n: int
    ) -> Wanted:
        """As a caller names it."""
        format = format_named(dtype)
        _ = format.dtype  # says here what to install for a dtype that NumPy lacks
        if max_rows < 1 or max_n < 1:
            raise BadData(f"max_rows={max_rows}, max_n={max_n}: expected 1 or more of each")
        for name in families:
            if name not in FAMILIES:
                raise unknown("family", name, FAMILIES)
        named = [FAMILIES[name] for name in families or FAMILIES]
        fitting = tuple(each for each in named if min(each.lengths or (1,)) <= max_n)
        if not fitting:
            raise BadData(f"max_n={max_n}: {', '.join(families)} have longer rows alone")
        return cls(operation_named(operation), format, fitting, max_rows, max_n)


@dataclass(frozen=True)
class Allowed:
    """Which values may occur in floating-point arguments."""

    nan: bool
    infinity: bool

    def holds(self, arguments: Mapping[str, Any]) -> bool:
        """Whether no value occurs that may not."""
        floats = [each for each in arguments.values() if each.dtype.kind not in "biu"]
        wide = [each.astype(np.float64) for each in floats]
        return (self.nan or not any(np.isnan(each).any() for each in wide)) and (
            self.infinity or not any(np.isinf(each).any() for each in wide)
        )


def drawn(draw: Callable[..., Any], wanted: Wanted) -> dict[str, Any]:
    """The arguments of a call, by name."""
    family = draw(strategies.sampled_from(wanted.families))
    rows = draw(strategies.integers(1, wanted.max_rows))
    if family.lengths is None:
        n = draw(strategies.integers(1, wanted.max_n))
    else:
        n = draw(strategies.sampled_from([each for each in family.lengths if each <= wanted.max_n]))
    if family.rows is None:
        seed = draw(strategies.integers(0, _LAST_SEED))
        with as_guest():
            whole = Recipe(family, wanted.format, n, rows, seed).inputs(wanted.operation, 0)
        return _named(wanted.operation, whole)
    recipe = Recipe(family, wanted.format, n, family.rows, 0)
    whole = _of_fixed_set(
        recipe, wanted.operation.name, draw(strategies.sampled_from(recipe.starts))
    )
    first = draw(strategies.integers(0, len(whole.x) - 1))
    return _named(wanted.operation, whole.rows(slice(first, first + rows)))


@lru_cache(32)
def _of_fixed_set(recipe: Recipe, operation: str, start: int) -> Inputs:
    with as_guest():
        return recipe.inputs(operation_named(operation), start)


def _named(operation: Operation, inputs: Inputs) -> dict[str, Any]:
    """Copies, which a function under test may write into."""
    arguments = operation.called_with(inputs.x, inputs.operands)
    return {name: each.copy() for name, each in zip(operation.parameters, arguments, strict=True)}
