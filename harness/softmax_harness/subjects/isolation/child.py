"""Runs in the isolated process: loads, calls, and looks at what calls leave behind."""

from __future__ import annotations

import importlib
import os
import signal
import sys
import warnings
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from multiprocessing.process import current_process
from typing import Any

from softmax_implementations import Implementation, implementations
from softmax_implementations.registry import declared

from softmax_harness.ground.adapters import set_environment
from softmax_harness.ground.errors import BadData, BadImplementation
from softmax_harness.ground.memory import keep_freed_memory
from softmax_harness.subjects.adapted import Adapted
from softmax_harness.subjects.arrays import OfArrays
from softmax_harness.subjects.binding import bound, parameters_of
from softmax_harness.subjects.call import answered, told
from softmax_harness.subjects.convention import Convention
from softmax_harness.subjects.device import check_device
from softmax_harness.subjects.isolation import channel, group, resources, watch, wire
from softmax_harness.subjects.isolation.lookout import Lookout
from softmax_harness.subjects.isolation.printed import Printed
from softmax_harness.subjects.native.library import function_of, names_symbol
from softmax_harness.subjects.request import Call, Description, Fault, Left, Reply
from softmax_harness.subjects.specification import is_foreign, loaded, package_of, remedy
from softmax_harness.subjects.trace import Traced, steps_of

_EXACT = "exact"


class _Here:
    """The one implementation of this process, and what it prints."""

    function: Callable[..., Any] | Adapted
    printed: Printed
    lookout: Lookout | None = None  # none for what the harness itself offers
    is_warm = False


def live(connection: Connection, memory: int) -> None:
    """Answer whatever comes through the connection, ``(question, given)``, until it is closed.

    The answers to a question of `QUESTIONS` go back one by one, as soon as each is there.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # which is for the parent to answer
    _begin(memory)
    while True:
        try:
            answers = _answers(*channel.received(connection))
        except EOFError:
            break
        except MemoryError as error:  # of what came
            answers = iter([wire.encoded(error)])
        for answer in answers:
            channel.send_answer(connection, answer)
    group.end(os.getpid())  # and not by an exit that waits for its processes
    os._exit(0)  # where there are no groups


def _answers(question: str, given: Any) -> Iterator[channel.Answer]:
    """The answers; or what is raised in their place, where foreign code broke what they need."""
    try:
        for answer in QUESTIONS[question](given):
            yield wire.encoded(answer)
    except Exception as error:  # noqa: BLE001 - of which the parent is told
        yield wire.encoded(error)


def _begin(memory: int) -> None:
    """Set the limits of this process, and take what it prints."""
    group.lead()
    current_process().daemon = False  # it may start processes, which end with its group
    sys.stdout.flush()
    sys.stderr.flush()
    _Here.printed = Printed()
    # NumPy's warnings are an implementation's own business.
    warnings.showwarning = _unseen  # type: ignore[assignment]
    resources.impose(memory)
    keep_freed_memory()  # which most calls are given and give back at once
    set_environment()


def _unseen(*warning: Any) -> None:
    """Where warnings go."""


def load(given: tuple[str, Convention]) -> Iterator[Description | Fault]:
    """What loading the implementation of a name gives, which is called in a convention."""
    yield _load(*given)


def _load(name: str, convention: Convention) -> Description | Fault:
    """Find the implementation of that name; a fault where its module cannot be executed."""
    if not _is_ours(name):
        _Here.lookout = Lookout(package_of(name))
    around = watch.state()
    try:
        found = _with_library(_found(name))
        _Here.function = _adapted(found, convention)
    except BadImplementation as error:
        return Fault("unknown", str(error))
    except BadData as error:
        return Fault("unavailable", str(error))
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if not package or package in sys.modules:
            return Fault("raised", f"loading it raised {told(error)}")
        return Fault("unavailable", f"it needs {package}{remedy(name, package)}")
    except MemoryError:
        return Fault("memory", "loading it ran out of memory")
    except BaseException as error:  # noqa: BLE001 - whatever a plug-in raises is a finding
        return Fault("raised", f"loading it raised {told(error)}")
    _Here.printed.forget()  # what a library says of itself when it is loaded
    patched = (*_side_effects(around), *_noticed())
    if convention.signature is not None:
        return Description(convention.signature.declared, convention.signature.text, patched)
    if isinstance(found, Implementation):
        fields = {key: value for key, value in vars(found).items() if key != "function"}
        return Description(fields, found.summary, patched)
    summary = (getattr(found, "__doc__", None) or "").strip().split("\n")[0]
    return Description(None, summary, patched, parameters_of(found))


def _is_ours(name: str) -> bool:
    """Whether it is the one implementation that needs the truth, and is the harness's own."""
    return name.rpartition("/")[2] == _EXACT and not is_foreign(name)


def _found(name: str) -> Implementation | Callable[..., Any]:
    if names_symbol(name):
        function: Callable[..., Any] = function_of(name)
        return function
    if is_foreign(name):
        function = loaded(name)
        return declared(function) or function
    operation, _, own = name.rpartition("/")
    if not _is_ours(name):
        return implementations(*[operation] * bool(operation))[own]
    from softmax_harness.operations import DEFAULT_OPERATION
    from softmax_harness.subjects.exact import exact_of

    return exact_of(operation or DEFAULT_OPERATION)


def _with_library(found: Any) -> Any:
    """Import what an implementation will import with its first call, which is not to be judged."""
    if isinstance(found, Implementation) and found.library and not found.unavailable:
        importlib.import_module(found.library)
    return found


def _adapted(
    found: Implementation | Callable[..., Any], convention: Convention
) -> Callable[..., Any] | Adapted:
    """What can be called: the convention is what is declared, where that says one."""
    if isinstance(found, Implementation):
        own = Convention.of(found)
        convention = own if own.arrays is not None else convention
        adapted = convention.adapted(found.function)
    else:
        adapted = convention.adapted(found)
    if isinstance(adapted, OfArrays):
        adapted.start()
    return adapted


def serve(calls: list[tuple[Any, ...]]) -> Iterator[Reply | Left]:
    """Make each call of the implementation in turn; at the end tell what they left behind."""
    around = watch.state()
    for each in calls:
        reply = answered(_Here.function, Call(*each))
        check_device(reply)
        yield reply
    yield _left(around)


def trace(call: tuple[Any, ...]) -> Iterator[Traced | Fault]:
    """Make a call with arrays that record what is done with them, and tell the steps."""
    asked, function = Call(*call), _Here.function
    if isinstance(function, Adapted):
        yield Traced(None)
        return
    try:
        yield Traced(steps_of(bound(function, asked.names), asked.arguments, asked.named))
    except Exception as error:  # noqa: BLE001 - foreign code may raise anything at such arrays
        yield Fault("raised", told(error))


def _left(around: watch.State) -> Left:
    left = [*_side_effects(around), *_noticed()]
    # At its first call a library may tell on standard error what it found, such as no GPU; one of
    # arrays may log there at any call, such as that it compiles once more.
    logs = isinstance(_Here.function, OfArrays)
    size, first = _Here.printed.forget(errors_too=_Here.is_warm and not logs)
    _Here.is_warm = True
    if size >= resources.MOST_WRITTEN:
        return Left((Fault("printed", f"printed without end, beginning {first!r}"),), is_flood=True)
    if size:
        left.append(Fault("printed", f"printed {size} bytes, beginning {first!r}"))
    return Left(tuple(left))


def reports(nothing: None) -> Iterator[Left]:
    """What is no fault of the implementation, and worth telling."""
    uses_arbiter = _Here.lookout is not None and _Here.lookout.uses_arbiter
    told = Fault("uses_mpmath", "it imports mpmath, by which the exact results are computed too")
    yield Left((told,) * uses_arbiter)


def _noticed() -> list[Fault]:
    return [] if _Here.lookout is None else _Here.lookout.faults()


def _side_effects(around: watch.State) -> list[Fault]:
    return [Fault("side_effect", change) for change in watch.changes(around)]


QUESTIONS: dict[str, Callable[[Any], Iterator[Description | Fault | Reply | Left | Traced]]] = {
    "load": load,
    "serve": serve,
    "trace": trace,
    "reports": reports,
}
