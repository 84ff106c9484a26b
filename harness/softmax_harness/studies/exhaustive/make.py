"""A whole domain: its units done by any executor, joined in order, its maxima confirmed."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass

from softmax_harness.ground.errors import BadImplementation
from softmax_harness.ground.formats import FORMATS, format_named
from softmax_harness.operations import DEFAULT_OPERATION, Problem, operation_named
from softmax_harness.run.job import work
from softmax_harness.studies.exhaustive.confirming import Confirming, Maximum
from softmax_harness.studies.exhaustive.domain import Domain, domain_of
from softmax_harness.studies.exhaustive.found import Found
from softmax_harness.studies.exhaustive.unit import Exhausting
from softmax_harness.subjects.declaration import Said, problem_of
from softmax_harness.subjects.named import implementation_named

Progress = Callable[[str, int, int], None]
"""Called with what is done, rows judged, and rows in all."""

_UNITS_AHEAD = 32


@dataclass(frozen=True)
class Asked:
    """What was asked for, as it was written; `tasks` resolves it.

    Attributes
    ----------
    implementations, dtypes : tuple of str
    operation : str
    inputs : str or None
        The kind of domain; None for the default of each format.
    axis : int
        Along which the implementations are called, 0 or -1.
    said : Said
        What was said about the implementations.
    """

    implementations: tuple[str, ...]
    dtypes: tuple[str, ...] = ("float16",)
    operation: str = DEFAULT_OPERATION
    inputs: str | None = None
    axis: int = -1
    said: Said = Said()


@dataclass(frozen=True)
class Task:
    """One implementation on one domain.

    Attributes
    ----------
    implementation : str
    problem : Problem
    domain : Domain
    said : Said
    """

    implementation: str
    problem: Problem
    domain: Domain
    said: Said

    @property
    def jobs(self) -> list[Exhausting]:
        """The units of its domain."""
        return [
            Exhausting(self.implementation, self.problem, self.domain.kind, *unit, self.said)
            for unit in self.domain.units
        ]


@dataclass(frozen=True)
class Exhausted:
    """What all rows of a domain gave.

    Attributes
    ----------
    task : Task
    found : Found
    maxima : dict of str to Maximum
    """

    task: Task
    found: Found
    maxima: dict[str, Maximum]


def tasks(asked: Asked) -> list[Task]:
    """What is to be done; every name is resolved, and every bad one refused.

    Raises
    ------
    HarnessError
        If a name is of nothing, or a domain cannot be exhausted.
    """
    operation = operation_named(asked.operation)
    domains = [
        domain_of(asked.inputs, format_named(name), operation)
        for name in dict.fromkeys(asked.dtypes)
    ]
    found = []
    for name in dict.fromkeys(asked.implementations):
        declaration = implementation_named(name, asked.operation, asked.said)
        if declaration.unavailable:
            raise BadImplementation(f"{name} cannot run here: {declaration.unavailable}")
        for domain in domains:
            if domain.format.name not in declaration.dtypes:
                raise BadImplementation(
                    f"{name} does not declare {domain.format.name}: expected one of "
                    f"{', '.join(declaration.dtypes)}"
                )
            problem = problem_of(declaration, operation, domain.format).along(asked.axis)
            _check_output(name, problem, domain)
            found.append(Task(name, problem, domain, asked.said))
    return found


def _check_output(name: str, problem: Problem, domain: Domain) -> None:
    if domain.is_by_difference and problem.output_format != domain.format:
        raise BadImplementation(
            f"{name} gives {problem.output_format.name} for {domain.format.name}: of so many rows "
            f"only results in the format of the inputs can be judged; expected a float8 dtype of "
            f"{', '.join(each for each in FORMATS if FORMATS[each].precision <= 4)}"
        )


def exhausted(several: Sequence[Task], executor: Executor, progress: Progress) -> list[Exhausted]:
    """Judge every row of every task; the results are the same, bit for bit, on any executor."""
    total = sum(each.domain.rows for each in several)
    done = 0
    found: list[Exhausted] = []
    begun = deque((task, deque(task.jobs)) for task in several)
    waiting: deque[Future[Found]] = deque()
    coming = deque(job for _, jobs in begun for job in jobs)
    for task, jobs in begun:
        whole = Found()
        for _ in jobs:
            while coming and len(waiting) < _UNITS_AHEAD:
                waiting.append(executor.submit(work, coming.popleft()))
            part = waiting.popleft().result()
            whole = whole.add(part)
            done += part.rows
            progress(f"{task.implementation} in {task.domain.format.name}", done, total)
        confirmed = executor.submit(work, Confirming(task.problem, whole)).result()
        found.append(Exhausted(task, whole, confirmed))
    return found
