"""Many measurements over any executor; the truth of a block is made once for all implementations."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path

from softmax_harness.aggregate import RowTallies, Tally, kept_for_percentile
from softmax_harness.catalogue import implementation_named
from softmax_harness.families import FAMILIES, Recipe
from softmax_harness.families.npy_file import npy_family
from softmax_harness.formats import FORMATS
from softmax_harness.measure import measure, question
from softmax_harness.operations import OPERATIONS

_BLOCKS_PER_JOB = 16


@dataclass(frozen=True)
class Job:
    """A part of a cell, small enough to send to another process.

    Attributes
    ----------
    operation, family, dtype : str
        Names; a family that is a file is named by its path.
    n, rows, seed : int
        As in `softmax_harness.families.Recipe`.
    starts : tuple of int
        The first rows of the blocks that are this job's.
    implementations : tuple of str
        Names of those to measure.
    """

    operation: str
    family: str
    dtype: str
    n: int
    rows: int
    seed: int
    starts: tuple[int, ...]
    implementations: tuple[str, ...]

    @property
    def recipe(self) -> Recipe:
        """The inputs, made where they are needed."""
        family = FAMILIES.get(self.family) or npy_family(Path(self.family))
        return Recipe(family, FORMATS[self.dtype], self.n, self.rows, self.seed)


@dataclass(frozen=True)
class Cell:
    """One implementation on one recipe.

    Attributes
    ----------
    operation, implementation : str
    recipe : Recipe
    tally : Tally
    by_row : RowTallies or None
        For families that map a plane.
    faults : tuple of str
        What was wrong with calls, each once.
    """

    operation: str
    implementation: str
    recipe: Recipe
    tally: Tally
    by_row: RowTallies | None
    faults: tuple[str, ...]


def jobs_of(operation: str, recipe: Recipe, implementations: tuple[str, ...]) -> list[Job]:
    """The jobs of one cell; how it is cut does not depend on how many workers there are."""
    starts = tuple(recipe.starts)
    return [
        Job(
            operation,
            recipe.family.name,
            recipe.format.name,
            recipe.n,
            recipe.rows,
            recipe.seed,
            starts[first : first + _BLOCKS_PER_JOB],
            implementations,
        )
        for first in range(0, len(starts), _BLOCKS_PER_JOB)
    ]


def work(job: Job) -> list[Cell]:
    """Measure every implementation of a job on each of its blocks."""
    recipe = job.recipe
    keep = kept_for_percentile(recipe.rows * recipe.n)
    cells: dict[str, Cell] = {}
    for start in job.starts:
        asked = question(OPERATIONS[job.operation], recipe.block(start), recipe.format)
        for name in job.implementations:
            measured = measure(implementation_named(name), asked, keep)
            rows = measured.by_row if recipe.family.grid else None
            cell = Cell(job.operation, name, recipe, measured.tally, rows, measured.faults)
            cells[name] = _joined(cells[name], cell) if name in cells else cell
    return list(cells.values())


def _work_named(job: Job) -> list[tuple[str, Tally, RowTallies | None, tuple[str, ...]]]:
    """`work` without the recipes, which hold functions that no pipe carries."""
    return [(c.implementation, c.tally, c.by_row, c.faults) for c in work(job)]


def _joined(first: Cell, second: Cell) -> Cell:
    keep = kept_for_percentile(first.recipe.rows * first.recipe.n)
    rows = None
    if first.by_row is not None and second.by_row is not None:
        rows = first.by_row.add(second.by_row)
    return Cell(
        first.operation,
        first.implementation,
        first.recipe,
        first.tally.add(second.tally, keep),
        rows,
        tuple(dict.fromkeys((*first.faults, *second.faults))),
    )


def sweep(
    operation: str,
    recipes: list[tuple[Recipe, tuple[str, ...]]],
    executor: Executor | None = None,
    progress: Callable[[int], None] = lambda elements: None,
) -> Iterator[Cell]:
    """Every implementation on every recipe, in order.

    Parameters
    ----------
    recipes : list of (Recipe, names)
        What to measure, each with the names of the implementations that take its format.
    executor : concurrent.futures.Executor, optional
        Runs the jobs; without one they run here. The cells are the same, bit for bit.
    progress : callable, optional
        Called with the number of elements whenever that many more are judged.
    """
    cut = [jobs_of(operation, recipe, names) for recipe, names in recipes]
    every = [job for jobs in cut for job in jobs]
    done = executor.map(_work_named, every) if executor else map(_work_named, every)
    for (recipe, _), jobs in zip(recipes, cut, strict=True):
        cells: dict[str, Cell] = {}
        for job in jobs:
            for name, tally, rows, faults in next(done):
                cell = Cell(operation, name, recipe, tally, rows, faults)
                cells[name] = _joined(cells[name], cell) if name in cells else cell
            progress(recipe.n * min(len(job.starts) * recipe.rows_per_block, recipe.rows))
        yield from cells.values()
