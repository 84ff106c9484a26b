"""Rows drawn from the families: where a search begins, and what it is compared with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from softmax_harness.ground.formats import Format
from softmax_harness.inputs.families import FAMILIES, Family, Recipe
from softmax_harness.operations import Inputs, Operation


def families_at(n: int) -> list[Family]:
    """The families that have rows of n entries, those apart that map a plane."""
    return [
        family
        for family in FAMILIES.values()
        if family.grid is None and n in (family.lengths or (n,))
    ]


def sampled(
    operation: Operation,
    format: Format,
    n: int,
    rows: int,
    seed: int,
    families: Sequence[Family] | None = None,
) -> Iterator[tuple[Family, Inputs]]:
    """So many rows of n entries, about as many of each family, in blocks with their operands.

    Of a family whose rows are a fixed set they are some of it, whichever the seed draws.

    Parameters
    ----------
    families : sequence of Family, optional
        All of that length by default.
    """
    chosen, left = families_at(n) if families is None else families, rows
    for place, family in enumerate(chosen):
        count = -(-left // (len(chosen) - place))
        recipe = Recipe(family, format, n, family.rows or count, seed)
        taken = np.random.default_rng([seed, place]).permutation(recipe.rows)[:count]
        for start in recipe.starts:
            own = np.sort(taken[(start <= taken) & (taken < start + recipe.rows_per_block)])
            if own.size:
                yield family, recipe.inputs(operation, start).rows(own - start)
        left -= taken.size
