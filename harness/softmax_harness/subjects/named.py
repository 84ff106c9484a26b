"""Finds an implementation by name: registered, module or file function, entry point."""

from __future__ import annotations

from functools import cache
from multiprocessing.util import Finalize
from typing import Any

from numpy.typing import NDArray
from softmax_implementations import Implementation

from softmax_harness.ground.errors import BadImplementation, unknown
from softmax_harness.ground.formats import DEFAULT_DTYPES, FORMATS, Format
from softmax_harness.operations import Operation, Policy, Problem, operation_named, qualified
from softmax_harness.subjects.catalogue import catalogue
from softmax_harness.subjects.isolation import Fault, Isolated, Limits
from softmax_harness.subjects.isolation.specification import check_form, entry_points, is_foreign
from softmax_harness.subjects.subject import Subject


def check_name(name: str, operation: str = "softmax") -> None:
    """Refuse a name that cannot be that of an implementation of the operation."""
    if is_foreign(name):
        check_form(name)
    elif name not in catalogue(operation):
        what = "implementation" if operation == "softmax" else f"implementation of {operation}"
        raise unknown(what, name, [*catalogue(operation), *entry_points()])


def implementation_named(name: str, operation: str = "softmax") -> Implementation:
    """What is declared about the implementation of that name.

    A function of which nothing is declared is taken for an implementation of `operation`.

    Raises
    ------
    UnknownName, BadImplementation
        If there is none of that name, or it cannot be loaded.
    """
    check_name(name, operation)
    if is_foreign(name):
        found = _foreign(name, operation)[0]
        check_operation(found, operation)
        return found
    found = catalogue(operation)[name]
    if found.library is None or found.unavailable:
        return found
    return _foreign(name, operation)[0]


def check_operation(declaration: Implementation, operation: str) -> None:
    """Refuse an implementation that computes something else than what was asked for."""
    if declaration.operation != operation:
        raise BadImplementation(
            f"{declaration.name} computes {declaration.operation}, not {operation}: give "
            f"--operation {declaration.operation}"
        )


def subject_named(name: str, operation: Operation, format: Format) -> Subject:
    """The implementation of that name on logits of a format, ready to be called.

    Foreign code is called in a process of its own, which lives as long as this one.

    Raises
    ------
    UnknownName, BadImplementation
        As `implementation_named`.
    """
    declaration = implementation_named(name, operation.name)
    problem = problem_of(declaration, operation, format)
    if is_foreign(name) or (declaration.library and not declaration.unavailable):
        return Subject(declaration, problem, _foreign(name, operation.name)[1])
    return Subject.here(declaration, problem)


def problem_of(
    declaration: Implementation, operation: Operation, format: Format, policy: Policy | None = None
) -> Problem:
    """The problem of an implementation; its output format is the input's unless it declares one."""
    output = FORMATS[declaration.output_dtype] if declaration.output_dtype else format
    return Problem(operation, format, output, policy=policy or Policy())


def available(operation: str = "softmax") -> list[Implementation]:
    """The registered implementations of an operation that can run here."""
    names = [each.name for each in catalogue(operation).values() if not each.unavailable]
    return [implementation_named(name, operation) for name in names]


def described(
    name: str, declared: dict[str, Any] | None, summary: str, operation: str = "softmax"
) -> Implementation:
    """What is declared about the implementation of that name, with no function to call here.

    A plain function, of which nothing is declared, is taken to do all that a softmax does.
    """

    def elsewhere(*arguments: NDArray[Any], **named: Any) -> NDArray[Any]:
        raise BadImplementation(f"{name} can be called only in its own process")

    elsewhere.__doc__ = summary
    fields = declared or {"dtypes": DEFAULT_DTYPES, "operation": operation}
    return Implementation(**(fields | {"name": name, "function": elsewhere}))


@cache
def _foreign(name: str, operation: str) -> tuple[Implementation, Isolated]:
    """What is declared about foreign code, and the process that calls it."""
    process = Isolated(name if is_foreign(name) else qualified(operation, name), Limits())
    # A worker of a run waits for its children before it comes to what atexit has.
    Finalize(None, process.close, exitpriority=10)
    found = process.load()
    if isinstance(found, Fault):
        if found.kind == "unavailable":
            return described(name, {"unavailable": found.message}, ""), process
        told = found.message if found.kind == "unknown" else f"{name}: {found.message}"
        raise BadImplementation(told)
    declaration = described(name, found.declared, found.summary, operation)
    operation_named(declaration.operation)
    return declaration, process
