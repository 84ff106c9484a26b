"""Finds an implementation by name: registered, module or file function, entry point."""

from __future__ import annotations

from functools import cache
from multiprocessing.util import Finalize
from typing import Any

import numpy as np
from numpy.typing import NDArray
from softmax_implementations import Implementation

from softmax_harness.ground.errors import BadImplementation, unknown
from softmax_harness.operations import OPERATIONS
from softmax_harness.subjects.catalogue import catalogue
from softmax_harness.subjects.isolation import Fault, Isolated, Limits, Request
from softmax_harness.subjects.isolation.specification import check_form, entry_points, is_foreign

_DTYPES = ("float16", "float32", "float64")


def check_name(name: str, operation: str = "softmax") -> None:
    """Refuse a name that cannot be that of an implementation of the operation."""
    if is_foreign(name):
        check_form(name)
    elif name not in catalogue(operation):
        what = "implementation" if operation == "softmax" else f"implementation of {operation}"
        raise unknown(what, name, [*catalogue(operation), *entry_points()])


def implementation_named(name: str, operation: str = "softmax") -> Implementation:
    """The implementation of that name; foreign code is called in a process of its own.

    A function of which nothing is declared is taken for an implementation of `operation`.

    Raises
    ------
    UnknownName, BadImplementation
        If there is none of that name, or it cannot be loaded.
    """
    check_name(name, operation)
    if is_foreign(name):
        found = _foreign(name, operation)
        if found.operation != operation:
            raise BadImplementation(
                f"{name} computes {found.operation}, not {operation}: give "
                f"--operation {found.operation}"
            )
        return found
    found = catalogue(operation)[name]
    if found.library is None or found.unavailable:
        return found
    return _foreign(name, operation)


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
    fields = declared or {"dtypes": _DTYPES, "operation": operation}
    return Implementation(**(fields | {"name": name, "function": elsewhere}))


@cache
def _foreign(name: str, operation: str) -> Implementation:
    process = Isolated(name if is_foreign(name) else f"{operation}/{name}", Limits())
    # A worker of a run waits for its children before it comes to what atexit has.
    Finalize(None, process.close, exitpriority=10)
    found = process.load()
    if isinstance(found, Fault):
        if found.kind == "unavailable":
            return described(name, {"unavailable": found.message}, "")
        told = found.message if found.kind == "unknown" else f"{name}: {found.message}"
        raise BadImplementation(told)

    declaration = described(name, found.declared, found.summary, operation)
    computed = OPERATIONS[declaration.operation]

    def call(
        *arguments: NDArray[Any], axis: int | None = -1 if computed.has_axis else None
    ) -> NDArray[Any]:
        x, *operands = (np.asarray(each) for each in arguments)
        expected = declaration.output_dtype or x.dtype.name
        shape = computed.shape_of_results((x, *operands), -1 if axis is None else axis)
        request = Request(x, expected, axis, operands=tuple(operands), shape=shape)
        reply = process.serve([request])[0]
        if reply.y is None:
            raise BadImplementation("; ".join(fault.message for fault in reply.faults))
        return reply.y

    call.__doc__ = found.summary
    return Implementation(**(vars(declaration) | {"function": call}))
