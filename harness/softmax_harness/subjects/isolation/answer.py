"""Makes one requested call, and says what was wrong with it apart from its numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax_harness.subjects.isolation.layouts import LAYOUTS
from softmax_harness.subjects.isolation.printed import printable
from softmax_harness.subjects.isolation.repeats import repeated
from softmax_harness.subjects.isolation.request import Fault, Reply, Request


def answered(
    function: Callable[..., Any],
    request: Request,
    accidents: type[BaseException] = BaseException,
) -> Reply:
    """Make a call as it is requested; an exception among `accidents` is a fault of it."""
    x = LAYOUTS[request.layout](request.x)
    memory = _whole(x)
    before, around = x.tobytes(), memory.tobytes()
    try:
        y, faults = _results(request, function, x)
    except MemoryError as error:
        return Reply(None, (Fault("memory", f"ran out of memory: {told(error)}"),))
    except accidents as error:
        return Reply(None, (Fault("raised", f"raised {told(error)}"),))
    if x.tobytes() != before:
        faults.append(Fault("input_changed", "changed its input"))
    elif memory.tobytes() != around:
        faults.append(Fault("input_changed", "changed memory next to its input"))
    return Reply(y, tuple(faults))


def _whole(x: NDArray[Any]) -> NDArray[Any]:
    """All of the memory of which an array is a part."""
    while isinstance(x.base, np.ndarray):
        x = x.base
    return x


def _results(
    request: Request, function: Callable[..., Any], x: NDArray[Any]
) -> tuple[NDArray[Any] | None, list[Fault]]:
    named = {} if request.axis is None else {"axis": request.axis}
    first = function(x, *request.operands, **named)
    wrong = _wrong_kind(first, request)
    if wrong is not None:
        return None, [wrong]
    y = np.array(first, order="C")
    faults = []
    if np.may_share_memory(first, x) and np.shares_memory(first, x):
        faults.append(Fault("result_overwritten", "returned memory of its input as its result"))
    if request.times > 1 or request.threads > 1:
        faults += repeated(function, request, x, first)
    return y, faults


def _wrong_kind(y: Any, request: Request) -> Fault | None:
    scalar = isinstance(y, np.generic) and request.x.ndim == 0
    if not isinstance(y, np.ndarray) and not scalar:
        return Fault("wrong_type", f"returned {type(y).__name__} where an ndarray was expected")
    if y.shape != (request.x.shape if request.shape is None else request.shape):
        return Fault(
            "wrong_shape", f"returned shape {y.shape} for an input of shape {request.x.shape}"
        )
    if y.dtype.name != request.dtype:
        return Fault("wrong_dtype", f"returned {y.dtype} where {request.dtype} was expected")
    return None


def told(error: BaseException) -> str:
    """The type of an exception and the first line of its text, if it has one."""
    try:
        lines = str(error).splitlines()
    except BaseException:  # noqa: BLE001 - its text is the plug-in's too
        lines = []
    return printable(f"{type(error).__name__}{': ' + lines[0][:200] if lines else ''}")
