"""An implementation by whatever name it has: registered, a function of a module or file, an entry point."""

from __future__ import annotations

from functools import cache
from multiprocessing.util import Finalize
from typing import Any

import numpy as np
from numpy.typing import NDArray
from softmax_implementations import Implementation

from softmax_harness.catalogue import catalogue
from softmax_harness.errors import BadImplementation, unknown
from softmax_harness.isolation import Fault, Isolated, Limits, Request
from softmax_harness.isolation.specification import check_form, entry_points, is_foreign

_DTYPES = ("float16", "float32", "float64")


def check_name(name: str) -> None:
    """Refuse a name that cannot be an implementation's."""
    if is_foreign(name):
        check_form(name)
    elif name not in catalogue():
        raise unknown("implementation", name, [*catalogue(), *entry_points()])


def implementation_named(name: str) -> Implementation:
    """The implementation of that name; foreign code is called in a process of its own.

    Raises
    ------
    UnknownName, BadImplementation
        If there is none of that name, or it cannot be loaded.
    """
    check_name(name)
    if is_foreign(name):
        return _foreign(name)
    found = catalogue()[name]
    return found if found.library is None or found.unavailable else _foreign(name)


def available() -> list[Implementation]:
    """The registered implementations that can run here."""
    names = [each.name for each in catalogue().values() if not each.unavailable]
    return [implementation_named(name) for name in names]


def described(name: str, declared: dict[str, Any] | None, summary: str) -> Implementation:
    """What is declared about the implementation of that name, with no function to call here.

    A plain function, of which nothing is declared, is taken to do all that a softmax does.
    """

    def elsewhere(x: NDArray[Any], axis: int = -1) -> NDArray[Any]:
        raise BadImplementation(f"{name} is called in a process of its own only")

    elsewhere.__doc__ = summary
    fields = declared or {"dtypes": _DTYPES}
    return Implementation(**(fields | {"name": name, "function": elsewhere}))


@cache
def _foreign(name: str) -> Implementation:
    process = Isolated(name, Limits())
    # A worker of a run waits for its children before it comes to what atexit has.
    Finalize(None, process.close, exitpriority=10)
    found = process.load()
    if isinstance(found, Fault):
        if found.kind == "unavailable":
            return described(name, {"unavailable": found.message}, "")
        told = found.message if found.kind == "unknown" else f"{name}: {found.message}"
        raise BadImplementation(told)

    known = described(name, found.declared, found.summary)

    def call(x: NDArray[Any], axis: int = -1) -> NDArray[Any]:
        expected = known.output_dtype or x.dtype.name
        reply = process.serve([Request(np.asarray(x), expected, axis)])[0]
        if reply.y is None:
            raise BadImplementation("; ".join(fault.message for fault in reply.faults))
        return reply.y

    call.__doc__ = found.summary
    return Implementation(**(vars(known) | {"function": call}))
