"""The processes in which implementations are called, one for each, with time to spare.

A survey goes on where a check would end: how long a call takes depends on what else the machine
does, and is no result. Of what is known to take minutes nothing long is asked.
"""

from __future__ import annotations

from functools import cache

from softmax_implementations import Implementation

from softmax_harness.ground.formats import Format
from softmax_harness.operations import Operation
from softmax_harness.subjects.catalogue import catalogue
from softmax_harness.subjects.convention import Convention
from softmax_harness.subjects.declaration import problem_of
from softmax_harness.subjects.isolation import Isolated, Limits
from softmax_harness.subjects.specification import loaded_as
from softmax_harness.subjects.subject import Subject

_LIMITS = Limits(seconds=300.0, memory=8 << 30)


def subject_of(declaration: Implementation, operation: Operation, format: Format) -> Subject:
    """An implementation that is registered, on an operation in a format."""
    problem = problem_of(declaration, operation, format)
    if not declaration.library:
        return Subject.here(declaration, problem)
    return Subject(declaration, problem, _process(declaration.name, operation.name))


@cache  # all formats are asked of one process: to load a library takes seconds
def _process(name: str, operation: str) -> Isolated:
    convention = Convention.of(catalogue(operation)[name])
    return Isolated(loaded_as(name, operation), _LIMITS, convention)


def close(names: list[str], operation: str) -> None:
    """End the processes of some implementations of an operation, and let go of all."""
    for name in names:
        if catalogue(operation)[name].library:
            _process(name, operation).close()
    _process.cache_clear()
