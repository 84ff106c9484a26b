"""What is handed to an executor, and how it is done there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from softmax_harness.ground.floating_point import check_floating_point_environment
from softmax_harness.ground.formats import FORMATS
from softmax_harness.inputs.families import FAMILIES, Recipe
from softmax_harness.inputs.families.npy_file import npy_family

Result_co = TypeVar("Result_co", covariant=True)


class Job(Protocol[Result_co]):
    """A part of a run: a small frozen value that can be pickled, and so be done anywhere.

    Names and numbers stand in it, all that decide its result, and its result is plain data.
    """

    def do(self) -> Result_co:
        """Do it, in the process in which it is wanted."""


def work(job: Job[Result_co]) -> Result_co:
    """Do a job; the process must round as the truth needs it before and after."""
    check_floating_point_environment()
    result = job.do()
    check_floating_point_environment()
    return result


@dataclass(frozen=True)
class NamedRecipe:
    """A recipe of inputs by names and numbers; the functions of a family cannot be pickled.

    Attributes
    ----------
    family, dtype : str
        Names; a family that is a file is named by its path.
    n, rows, seed : int
        As in `softmax_harness.inputs.families.Recipe`.
    """

    family: str
    dtype: str
    n: int
    rows: int
    seed: int

    @classmethod
    def of(cls, recipe: Recipe) -> NamedRecipe:
        """The names of a recipe."""
        return cls(recipe.family.name, recipe.format.name, recipe.n, recipe.rows, recipe.seed)

    @property
    def recipe(self) -> Recipe:
        """The recipe of these names."""
        family = FAMILIES.get(self.family) or npy_family(Path(self.family))
        return Recipe(family, FORMATS[self.dtype], self.n, self.rows, self.seed)
