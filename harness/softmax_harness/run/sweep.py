"""Many measurements over any executor; the truth of a block is made once for all implementations."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from softmax_harness.ground.floating_point import check_floating_point_environment
from softmax_harness.ground.formats import FORMATS
from softmax_harness.inputs.families import FAMILIES, Recipe
from softmax_harness.inputs.families.npy_file import npy_family
from softmax_harness.judgement.aggregate import RowTallies, Tally, kept_for_percentile
from softmax_harness.judgement.maxima import confirmed_maxima
from softmax_harness.judgement.measure import measure, question
from softmax_harness.operations import OPERATIONS, Problem
from softmax_harness.subjects.named import subject_named

_BLOCKS_PER_JOB = 16
# Jobs that are handed out before the first of them is waited for: enough to keep any machine busy,
# few enough that what waits does not grow with the run.
_JOBS_AHEAD = 256


@dataclass(frozen=True)
class Job:
    """A part of a cell, small enough to send to another process.

    Attributes
    ----------
    operation, family, dtype : str
        Names; a family that is a file is named by its path.
    n, rows, seed : int
        As in `softmax_harness.inputs.families.Recipe`.
    starts : tuple of int
        The first rows of the blocks that are this job's.
    implementations : tuple of str
        Names of those to measure.
    tier : str
        As in `softmax_harness.truth.exact_results`.
    """

    operation: str
    family: str
    dtype: str
    n: int
    rows: int
    seed: int
    starts: tuple[int, ...]
    implementations: tuple[str, ...]
    tier: str

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


@dataclass(frozen=True)
class Counts:
    """How many elements of the inputs were judged by which tier.

    Attributes
    ----------
    screened : int
        By the screen alone.
    escalated : int
        By mpmath because the screen left them open, or because all are.
    confirmed : int
        By mpmath again, for the maxima.
    """

    screened: int = 0
    escalated: int = 0
    confirmed: int = 0

    def add(self, other: Counts) -> Counts:
        """The sum of both."""
        return Counts(
            self.screened + other.screened,
            self.escalated + other.escalated,
            self.confirmed + other.confirmed,
        )


# What crosses between processes: no arrays of elements, and no recipes, whose functions no pipe
# carries.
Measured = tuple[Tally, RowTallies | None, tuple[str, ...]]
Part = tuple[dict[str, Measured], Counts]


def jobs_of(
    operation: str, recipe: Recipe, implementations: tuple[str, ...], tier: str
) -> list[Job]:
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
            tier,
        )
        for first in range(0, len(starts), _BLOCKS_PER_JOB)
    ]


def work(job: Job) -> Part:
    """Measure every implementation of a job on each of its blocks."""
    check_floating_point_environment()
    recipe = job.recipe
    keep = kept_for_percentile(recipe.rows * recipe.n)
    parts: dict[str, Measured] = {}
    counts = Counts()
    for start in job.starts:
        stored = recipe.block(start)
        operation = OPERATIONS[job.operation]
        operands = operation.make_operands(stored, recipe.random_operands(start))
        problem = Problem.of(operation, recipe.format)
        asked = question(problem, stored, operands, job.tier)
        for name in job.implementations:
            by_row = recipe.family.grid is not None
            so_far = parts[name][0].so_far if name in parts else {}
            subject = subject_named(name, operation, recipe.format)
            measured = measure(subject, asked, keep, by_row, so_far)
            part = (measured.tally, measured.by_row, measured.faults)
            parts[name] = _joined(parts[name], part, keep) if name in parts else part
        escalated = int(asked.exact_results.confirmed.sum()) * recipe.n
        counts = counts.add(Counts(stored.size - escalated, escalated))
    check_floating_point_environment()
    return parts, counts


def confirmation(job: Job, tallies: dict[str, Tally]) -> tuple[dict[str, Tally], int]:
    """The tallies of a whole recipe with their maxima confirmed; `job` is any job of it."""
    operation = OPERATIONS[job.operation]
    if job.tier == "mpmath" or operation.screen is None:
        return tallies, 0
    return confirmed_maxima(operation, job.recipe, tallies)


def _joined(
    first: Measured,
    second: Measured,
    keep: int,
) -> Measured:
    tally, rows, faults = first
    other_tally, other_rows, other_faults = second
    both = rows.add(other_rows) if rows is not None and other_rows is not None else None
    return tally.add(other_tally, keep), both, tuple(dict.fromkeys((*faults, *other_faults)))


class _Here(Executor):
    """Runs what is submitted at once, in this process."""

    def submit(self, function: Callable[..., Any], /, *given: Any, **named: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(function(*given, **named))
        return future


def sweep(
    operation: str,
    recipes: list[tuple[Recipe, tuple[str, ...]]],
    tier: str = "screened",
    executor: Executor | None = None,
    progress: Callable[[int], None] = lambda elements: None,
) -> Iterator[tuple[list[Cell], Counts]]:
    """Every implementation on every recipe, in order: the cells of each recipe.

    Parameters
    ----------
    recipes : list of (Recipe, names)
        What to measure, each with the names of the implementations that take its format.
    tier : str
        As in `softmax_harness.truth.exact_results`.
    executor : concurrent.futures.Executor, optional
        Runs the jobs; without one they run here. The cells are the same, bit for bit.
    progress : callable, optional
        Called with the number of elements whenever that many more are judged.
    """
    executor = executor or _Here()
    waiting: deque[tuple[Recipe, list[Job], deque[Future[Part]]]] = deque()
    confirming: deque[tuple[Recipe, Part, Future[Any]]] = deque()
    for recipe, names in recipes:
        jobs = jobs_of(operation, recipe, names, tier)
        waiting.append((recipe, jobs, deque(executor.submit(work, job) for job in jobs)))
        while sum(len(each[2]) for each in waiting) > _JOBS_AHEAD:
            confirming.append(_confirm_next(waiting, executor, progress))
            while len(confirming) > _JOBS_AHEAD:
                yield _finished(operation, *confirming.popleft())
    while waiting:
        confirming.append(_confirm_next(waiting, executor, progress))
    while confirming:
        yield _finished(operation, *confirming.popleft())


def _confirm_next(
    waiting: deque[tuple[Recipe, list[Job], deque[Future[Part]]]],
    executor: Executor,
    progress: Callable[[int], None],
) -> tuple[Recipe, Part, Future[Any]]:
    """Join the parts of the first recipe that waits, and have its maxima confirmed."""
    recipe, jobs, futures = waiting.popleft()
    keep = kept_for_percentile(recipe.rows * recipe.n)
    whole: dict[str, Measured] = {}
    counts = Counts()
    for job in jobs:
        parts, own = futures.popleft().result()  # let go of, so that memory does not grow
        counts = counts.add(own)
        for name, part in parts.items():
            whole[name] = _joined(whole[name], part, keep) if name in whole else part
        progress(recipe.n * min(len(job.starts) * recipe.rows_per_block, recipe.rows))
    tallies = {name: tally for name, (tally, _, _) in whole.items()}
    return recipe, (whole, counts), executor.submit(confirmation, jobs[0], tallies)


def _finished(
    operation: str, recipe: Recipe, whole: Part, future: Future[Any]
) -> tuple[list[Cell], Counts]:
    parts, counts = whole
    tallies, confirmed = future.result()
    cells = [
        Cell(operation, name, recipe, tallies[name], rows, faults)
        for name, (_, rows, faults) in parts.items()
    ]
    return cells, counts.add(Counts(confirmed=confirmed))
