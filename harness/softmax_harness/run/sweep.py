"""Many measurements over any executor: the jobs handed out ahead, their parts joined in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, replace
from typing import TypeVar

from softmax_harness.inputs.families import Recipe
from softmax_harness.judgement.aggregate import RowTallies, Tally
from softmax_harness.operations import Problem
from softmax_harness.run.confirming import Confirmed, confirming_job
from softmax_harness.run.job import work
from softmax_harness.run.measuring import Counts, Part, measuring_jobs
from softmax_harness.run.selection import Planned

# Jobs that are handed out before the first of them is waited for: enough to keep any machine busy,
# few enough that what waits does not grow with the run.
_JOBS_AHEAD = 256

Progress = Callable[[str, int, int], None]
"""Called with what is done, elements judged, and elements in all."""


def unseen(what: str, done: int, total: int) -> None:
    """Progress that nobody looks at."""


@dataclass(frozen=True)
class Cell:
    """One implementation on one recipe.

    Attributes
    ----------
    problem : Problem
    implementation : str
    recipe : Recipe
    tally : Tally
    by_row : RowTallies or None
        For families that map a plane.
    faults : tuple of str
        What was wrong with calls, each once.
    """

    problem: Problem
    implementation: str
    recipe: Recipe
    tally: Tally
    by_row: RowTallies | None
    faults: tuple[str, ...]

    @property
    def operation(self) -> str:
        """The name of the operation."""
        return self.problem.operation.name


@dataclass(frozen=True)
class _Begun:
    """A recipe whose jobs are handed out."""

    planned: Planned
    parts: deque[Future[Part]]


@dataclass(frozen=True)
class _Measured:
    """A recipe that is measured, and the job that confirms its maxima, if that is to be done."""

    planned: Planned
    whole: Part
    confirmed: Future[Confirmed] | None


def swept(
    plan: Sequence[Planned], executor: Executor, progress: Progress = unseen
) -> tuple[list[Cell], Counts]:
    """All cells of a `sweep`, and how many elements were judged by which tier."""
    cells, counts = [], Counts()
    for some, own in sweep(plan, executor, progress):
        cells += some
        counts = counts.add(own)
    return cells, counts


def sweep(
    plan: Sequence[Planned], executor: Executor, progress: Progress = unseen
) -> Iterator[tuple[list[Cell], Counts]]:
    """Every implementation on every recipe, in order: the cells of each recipe.

    Parameters
    ----------
    plan : sequence of Planned
    executor : concurrent.futures.Executor
        Does the jobs. The cells are the same, bit for bit, for any of them.
    progress : callable, optional
    """
    told = _teller(progress, sum(each.recipe.n * each.recipe.rows for each in plan))
    begun = (_begun(planned, executor) for planned in plan)
    measured = (_measured(each, executor, told) for each in _ahead(begun, _jobs_of))
    return (_finished(each) for each in _ahead(measured, _one_job))


def _teller(progress: Progress, total: int) -> Callable[[Part], None]:
    """What tells the progress when another part is judged."""
    judged = 0

    def tell(part: Part) -> None:
        nonlocal judged
        judged += part.counts.screened + part.counts.escalated
        progress("judging", judged, total)

    return tell


Each = TypeVar("Each")


def _ahead(begun: Iterable[Each], jobs: Callable[[Each], int]) -> Iterator[Each]:
    """The same in the same order, each begun while others before it still wait for their jobs."""
    waiting: deque[Each] = deque()
    for each in begun:
        waiting.append(each)
        while sum(map(jobs, waiting)) > _JOBS_AHEAD:
            yield waiting.popleft()
    while waiting:
        yield waiting.popleft()


def _jobs_of(begun: _Begun) -> int:
    return len(begun.parts)


def _one_job(measured: _Measured) -> int:
    return 1


def _begun(planned: Planned, executor: Executor) -> _Begun:
    jobs = measuring_jobs(
        planned.problem, planned.recipe, planned.implementations, planned.tier, planned.said
    )
    return _Begun(planned, deque(executor.submit(work, job) for job in jobs))


def _measured(begun: _Begun, executor: Executor, told: Callable[[Part], None]) -> _Measured:
    """Join the parts of a recipe, and have its maxima confirmed."""
    planned, recipe = begun.planned, begun.planned.recipe
    whole: Part | None = None
    while begun.parts:
        part = begun.parts.popleft().result()  # let go of, so that memory does not grow
        whole = part if whole is None else whole.add(part, recipe.rows)
        told(part)
    assert whole is not None
    if planned.tier == "mpmath" or whole.is_confirmed:
        return _Measured(planned, whole, None)
    job = confirming_job(planned.problem, recipe, whole.tallies, planned.said)
    return _Measured(planned, whole, executor.submit(work, job))


def _finished(measured: _Measured) -> tuple[list[Cell], Counts]:
    planned, whole, counts = measured.planned, measured.whole, measured.whole.counts
    tallies = whole.tallies
    if measured.confirmed is not None:
        confirmed = measured.confirmed.result()
        counts = counts.add(Counts(confirmed=confirmed.elements))
        tallies = {
            name: replace(tally, candidates=confirmed.candidates[name])
            for name, tally in tallies.items()
        }
    cells = [
        Cell(planned.problem, name, planned.recipe, tallies[name], each.by_row, each.faults)
        for name, each in whole.measured.items()
    ]
    return cells, counts
