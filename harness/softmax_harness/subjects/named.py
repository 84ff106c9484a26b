"""Finds an implementation by name: registered, module or file function, entry point."""

from __future__ import annotations

from functools import cache
from multiprocessing.util import Finalize

from softmax_implementations import Implementation

from softmax_harness.ground.errors import BadImplementation, unknown
from softmax_harness.operations import DEFAULT_OPERATION, Problem
from softmax_harness.subjects.catalogue import catalogue
from softmax_harness.subjects.convention import Convention
from softmax_harness.subjects.declaration import Said, check_operation, described
from softmax_harness.subjects.isolation import Ended, Fault, Isolated, Limits, blame
from softmax_harness.subjects.specification import (
    check_form,
    entry_points,
    is_foreign,
    loaded_as,
)
from softmax_harness.subjects.subject import Subject


def check_name(name: str, operation: str = DEFAULT_OPERATION) -> None:
    """Refuse a name that cannot be that of an implementation of the operation."""
    if is_foreign(name):
        check_form(name)
    elif name not in catalogue(operation):
        known = [*catalogue(operation), *entry_points()]
        raise unknown(f"implementation of {operation}", name, known)


def implementation_named(
    name: str, operation: str = DEFAULT_OPERATION, said: Said | None = None
) -> Implementation:
    """What is declared about the implementation of that name, with what a command says of it.

    A function of which nothing is declared is taken for an implementation of `operation`.

    Raises
    ------
    UnknownName, BadImplementation
        If there is none of that name, it cannot be loaded, or what is said contradicts it.
    """
    check_name(name, operation)
    said, is_plain = said or Said(), False
    if is_foreign(name):
        found, _, is_plain = _foreign(name, operation, said.convention(name, operation))
        check_operation(found, operation)
    else:
        found = catalogue(operation)[name]
        if found.library is not None and not found.unavailable:
            found = _foreign(name, operation, Convention())[0]
    return said.about(found, is_plain)


def subject_named(name: str, problem: Problem, said: Said | None = None) -> Subject:
    """The implementation of that name, ready to be called on a problem.

    Foreign code is called in a process of its own, which lives as long as this one.

    Raises
    ------
    UnknownName, BadImplementation
        As `implementation_named`.
    """
    return subject_of(implementation_named(name, problem.operation.name, said), problem)


def subject_of(declaration: Implementation, problem: Problem) -> Subject:
    """An implementation that `implementation_named` has found, ready to be called on a problem."""
    name, operation = declaration.name, problem.operation.name
    if is_foreign(name) or (declaration.library and not declaration.unavailable):
        said = Said(None, None, declaration.signature, declaration.arrays, declaration.device)
        process = _foreign(name, operation, said.convention(name, operation))[1]
        return Subject(declaration, problem, process)
    return Subject.here(declaration, problem)


def available(operation: str = DEFAULT_OPERATION) -> list[Implementation]:
    """The registered implementations of an operation that can run here."""
    names = [each.name for each in catalogue(operation).values() if not each.unavailable]
    return [implementation_named(name, operation) for name in names]


@cache
def _foreign(
    name: str, operation: str, convention: Convention
) -> tuple[Implementation, Isolated, bool]:
    """What is declared about foreign code, the process that calls it, and whether it is plain."""
    process = Isolated(loaded_as(name, operation), Limits(), convention)
    # A worker of a run waits for its children before it comes to what atexit has.
    Finalize(None, process.close, exitpriority=10)
    try:
        found = process.load()
    except Ended as ended:
        fault = blame(ended.fault, process.limits)
        raise BadImplementation(f"{name}: {fault.message}, {ended.told}") from None
    if isinstance(found, Fault):
        if found.kind == "unavailable":
            return described(name, {"unavailable": found.message}, "", operation), process, False
        told = found.message if found.kind == "unknown" else f"{name}: {found.message}"
        raise BadImplementation(told)
    declaration = described(name, found.declared, found.summary, operation)
    return declaration, process, found.declared is None
