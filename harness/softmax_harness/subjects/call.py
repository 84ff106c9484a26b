"""The one way to call an implementation: make the call as requested, and look at the reply."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.formats import FORMATS
from softmax_harness.ground.signals import Terminated
from softmax_harness.ground.text import printable
from softmax_harness.subjects.adapted import Adapted, Ready
from softmax_harness.subjects.binding import bound
from softmax_harness.subjects.layouts import LAYOUTS
from softmax_harness.subjects.repeats import repeated
from softmax_harness.subjects.request import Call, Failed, Fault, Reply

if TYPE_CHECKING:
    from softmax_harness.operations import Operands

_LONGEST_TOLD, _LONGEST_READ = 200, 4000  # characters of an exception's text


def answered(
    function: Callable[..., Any] | Adapted,
    call: Call,
    accidents: type[BaseException] | tuple[type[BaseException], ...] = BaseException,
) -> Reply:
    """Make a call; an exception among `accidents` is a fault of it."""
    arguments = _laid_out(call)
    memory = [_whole(each) for each in arguments]
    before = [each.tobytes("A") for each in memory]
    ready = ready_for(function, call)
    try:
        with _unchanged_by_failures(memory, before):
            y, faults = _results(call, ready, arguments)
    except Failed as failed:
        return Reply(None, (failed.fault,))
    except MemoryError as error:
        return Reply(None, (Fault("memory", f"ran out of memory: {told(error)}"),))
    except Terminated:
        raise
    except accidents as error:
        return Reply(None, (Fault("raised", f"raised {told(error)}"),))
    if changed := [
        (each, whole, known)
        for each, whole, known in zip(arguments, memory, before, strict=True)
        if whole.tobytes("A") != known
    ]:
        is_input = not all(_as_it_was(whole, known, each) for each, whole, known in changed)
        where = "its input" if is_input else "memory next to its input"
        faults.append(Fault("input_changed", f"changed {where}"))
        for _, whole, known in changed:
            _restore(whole, known)
    if isinstance(ready, Ready):
        faults += dict.fromkeys(ready.faults)  # each once of all calls that were made
    return Reply(y, tuple(faults))


def ready_for(function: Callable[..., Any] | Adapted, call: Call) -> Callable[..., Any]:
    """The function as it takes the arguments of a call, arrays of NumPy in their order."""
    if isinstance(function, Adapted):
        return function.for_call(call)
    return bound(function, call.names)


def _laid_out(call: Call) -> Operands:
    if call.layout is None:
        return call.arguments
    names = call.layout
    if isinstance(names, str):
        names = (names,) * len(call.arguments)
    pairs = zip(call.arguments, names, strict=True)
    return tuple(LAYOUTS[name](each) for each, name in pairs)


def _whole(x: NDArray[Any]) -> NDArray[Any]:
    """All of the memory of which an array is a part; the array where that is not in one piece."""
    whole = x
    while isinstance(whole.base, np.ndarray):
        whole = whole.base
    return whole if whole.flags.forc else x


def _as_it_was(memory: NDArray[Any], before: bytes, x: NDArray[Any]) -> bool:
    """Whether x, a part of the memory, still has the numbers that the memory had before."""
    if x is memory:
        return x.tobytes("A") == before
    start = x.ctypes.data - memory.ctypes.data
    was = np.ndarray(x.shape, x.dtype, before, start, x.strides)
    return was.tobytes() == x.tobytes()


@contextmanager
def _unchanged_by_failures(memory: list[NDArray[Any]], before: list[bytes]) -> Iterator[None]:
    try:
        yield
    except BaseException:
        for whole, known in zip(memory, before, strict=True):
            _restore(whole, known)
        raise


def _restore(memory: NDArray[Any], before: bytes) -> None:
    """Put back what the memory held: the next call may have the same."""
    if memory.flags.writeable and memory.flags.forc:
        memory[...] = np.ndarray(memory.shape, memory.dtype, before, 0, memory.strides)


def _results(
    call: Call, function: Callable[..., Any], arguments: Operands
) -> tuple[NDArray[Any] | None, list[Fault]]:
    first = function(*arguments, **call.named)
    wrong = _wrong_kind(first, call)
    if wrong is not None:
        return None, [wrong]
    plain = np.asarray(first)  # no more of a class that may tell of itself what it likes
    y = np.array(plain, plain.dtype.newbyteorder("="), order="C")
    faults = []
    if any(np.may_share_memory(plain, x) and np.shares_memory(plain, x) for x in arguments):
        faults.append(Fault("result_overwritten", "returned memory of its input as its result"))
    if call.times > 1 or call.threads > 1:
        faults += repeated(function, call, arguments, plain)
    return y, faults


def _wrong_kind(y: Any, call: Call) -> Fault | None:
    expected = call.shape
    scalar = issubclass(type(y), np.generic) and expected == ()
    if not issubclass(type(y), np.ndarray) and not scalar:
        name = type(y).__name__[:_LONGEST_TOLD]
        several = ", the result alone," if isinstance(y, tuple) else ""
        return Fault("wrong_type", f"returned {name} where an ndarray{several} was expected")
    y = np.asarray(y)  # of a subclass, whose own shape and dtype may be anything
    if y.shape != expected:
        returned = f"returned shape {y.shape} for an input of shape {call.x.shape}"
        wanted = "" if expected == call.x.shape else f", expected {expected}"
        return Fault("wrong_shape", returned + wanted)
    if y.dtype.name != call.dtype:
        remedy = f"; if that is meant, give --output-dtype {y.dtype} or declare output_dtype"
        told = f"returned {y.dtype} where {call.dtype} was expected"
        return Fault("wrong_dtype", told + remedy * (y.dtype.name in FORMATS))
    return None


def told(error: BaseException) -> str:
    """The type of an exception and the first line of its text, if it has one.

    Type and text are foreign: the text may be of any class and length.
    """
    name = str.__getitem__(type(error).__name__, slice(0, _LONGEST_TOLD))
    try:
        text = str.__getitem__(str(error), slice(0, _LONGEST_READ))
    except BaseException:  # noqa: BLE001 - its text is the plug-in's too
        text = ""
    lines = text.splitlines()
    return printable(f"{name}{': ' + lines[0][:_LONGEST_TOLD] if lines else ''}")
