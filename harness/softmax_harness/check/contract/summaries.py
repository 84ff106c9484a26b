"""The numbers of each recipe of the suite that a baseline keeps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from softmax_harness.check.contract.accuracy import JudgedBlock
from softmax_harness.inputs.families.family import Recipe
from softmax_harness.judgement.outcomes import FAULTS, OUTCOMES, Outcome


@dataclass(frozen=True)
class RecipeSummary:
    """One family at one length.

    Attributes
    ----------
    name : str
        Family, length and rows, as a witness begins: two cells of one name had the same inputs.
    max_ulp, mean_ulp : float
        Of the elements that have an error in ulp; 0 where there are none.
    outcomes : tuple of str
        Those that occurred and are not good, sorted.
    witness : str
        Of the largest error.
    """

    name: str
    max_ulp: float
    mean_ulp: float
    outcomes: tuple[str, ...]
    witness: str


def name_of(recipe: Recipe) -> str:
    """The name of a recipe's cell."""
    step = "" if recipe.step == 1 else f",step={recipe.step}"
    return f"{recipe.family.name},n={recipe.n},rows={recipe.rows}{step}"


@dataclass
class _Sums:
    largest: float = -1.0
    witness: str = ""
    total: float = 0.0
    count: int = 0
    outcomes: set[Outcome] = field(default_factory=set)


class RecipeSummaries:
    """Adds up the blocks of a stream by recipe."""

    def __init__(self) -> None:
        self._sums: dict[str, _Sums] = {}

    @np.errstate(over="ignore", invalid="ignore", divide="ignore")  # results may be anything
    def see(self, block: JudgedBlock) -> None:
        """Note the errors and outcomes of a block."""
        recipe, found = block.recipe, block.found
        sums = self._sums.setdefault(name_of(recipe), _Sums())
        errors, largest = found.batch.absolute, found.batch.largest
        if np.isnan(largest).any():
            known = ~np.isnan(errors)
            sums.count += int(known.sum())
            sums.total += float(errors.sum(where=known))
            errors = np.where(known, errors, -1.0)
            largest = errors.max(axis=-1)
        else:
            sums.count += errors.size
            sums.total += float(errors.sum())
        row = int(largest.argmax())
        if largest[row] > sums.largest:
            sums.largest = float(largest[row])
            sums.witness = block.text(row, int(errors[row].argmax()))
        if found.codes.max() > Outcome.ACCURATE.code:
            sums.outcomes |= {each for each in OUTCOMES if (found.codes == each.code).any()}

    def cells(self) -> Iterator[RecipeSummary]:
        """Every cell, in the order of the suite."""
        for name, sums in self._sums.items():
            yield RecipeSummary(
                name,
                max(sums.largest, 0.0),
                sums.total / sums.count if sums.count else 0.0,
                tuple(sorted(map(str, sums.outcomes & {*FAULTS}))),
                sums.witness,
            )
