"""Answers of an isolated process as plain bytes, which can hold nothing that runs.

A line of JSON, and the bytes of the results. A pickle would hand foreign code the judge: it can
name any function to be called where it is read.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from math import prod
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.text import printable
from softmax_harness.subjects.call import told as told_of
from softmax_harness.subjects.isolation import traced
from softmax_harness.subjects.isolation.channel import Answer, bytes_of
from softmax_harness.subjects.request import Description, Fault, Left, Reply, Request
from softmax_harness.subjects.trace import Step, Traced

_T = TypeVar("_T")

_LONGEST_TEXT = 4000  # characters of a message
_MOST_FAULTS = 100  # of one reply
_MOST_OF_A_LINE = 1 << 20  # bytes, in an answer that is believed
MOST_OF_STEPS = 1 << 29


class Garbled(Exception):
    """What came is no answer of ours."""


class Broken(Exception):
    """The process could not answer, since something in it was broken."""


def encoded(answer: Any) -> Answer:
    """A `Description`, a `Fault`, a `Reply`, what calls `Left`, `Traced` steps, or an exception."""
    result = memoryview(b"")
    if isinstance(answer, MemoryError):
        told: dict[str, Any] = {"memory": True}
    elif isinstance(answer, Exception):
        told = {"broken": told_of(answer)}
    elif isinstance(answer, Fault):
        told = {"fault": _of_fault(answer)}
    elif isinstance(answer, Description):
        faults = _of_faults(answer.faults)
        told = {"declared": answer.declared, "summary": shown(answer.summary), "faults": faults}
        told["parameters"] = answer.parameters
    elif isinstance(answer, Traced):
        told = {"steps": None}
        if answer.steps is not None:
            told["steps"], packed = traced.packed(answer.steps)
            result = memoryview(packed)
    elif isinstance(answer, Left):
        told = {"left": _of_faults(answer.faults), "is_flood": answer.is_flood}
    else:
        told = {"has_result": answer.y is not None, "faults": _of_faults(answer.faults)}
        if answer.y is not None:
            result = bytes_of(np.ascontiguousarray(answer.y))
    return Answer(json.dumps(told, default=_plain).encode(), result)


def _of_fault(fault: Fault) -> list[str]:
    return [fault.kind, shown(fault.message)]


def _of_faults(faults: tuple[Fault, ...]) -> list[list[str]]:
    return [_of_fault(each) for each in faults[:_MOST_FAULTS]]


def _plain(value: Any) -> Any:
    """What JSON does not know and declarations hold all the same."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, set | frozenset):
        return sorted(value)
    raise TypeError(f"a declaration cannot hold a {type(value).__name__}")


def shown(text: str) -> str:
    """Text of bounded length that can be printed."""
    return printable(str.__getitem__(text, slice(0, _LONGEST_TEXT)))


def description_in(answer: Answer) -> Description | Fault:
    """What loading gave.

    Raises
    ------
    Garbled, Broken, MemoryError
    """
    told, _ = _read(answer)
    return _checked(lambda: _description(told))


def reply_in(answer: Answer, request: Request) -> Reply:
    """What a call gave, as an array of the shape and dtype that were asked for.

    Raises
    ------
    Garbled, Broken, MemoryError
    """
    told, result = _read(answer)
    return _checked(lambda: _reply(told, result, request))


def left_in(answer: Answer) -> Left:
    """What calls left behind.

    Raises
    ------
    Garbled, Broken, MemoryError
    """
    told, _ = _read(answer)
    return _checked(lambda: Left(_faults(told["left"]), bool(told["is_flood"])))


def steps_in(answer: Answer) -> list[Step] | None | Fault:
    """The steps of a call; None where they were not seen, a fault where they could not be.

    Raises
    ------
    Garbled, Broken, MemoryError
    """
    told, result = _read(answer)

    def read() -> list[Step] | None | Fault:
        if "fault" in told:
            return _fault(told["fault"])
        return None if told["steps"] is None else traced.steps_in(told["steps"], result)

    return _checked(read)


def most(request: Request | None = None) -> int:
    """How many bytes the answer to a call may have, or another answer."""
    return _MOST_OF_A_LINE + (0 if request is None else _size(request))


def _size(request: Request) -> int:
    return prod(request.shape) * request.problem.output_format.dtype.itemsize


def _read(answer: Answer) -> tuple[dict[str, Any], memoryview]:
    told = _checked(lambda: dict(json.loads(answer.line)))
    if "memory" in told:
        raise MemoryError
    if "broken" in told:
        raise Broken(_checked(lambda: _text(told["broken"])))
    return told, answer.numbers


def _checked(read: Callable[[], _T]) -> _T:
    try:
        return read()
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        raise Garbled(str(error)) from None


def _description(told: dict[str, Any]) -> Description | Fault:
    if "fault" in told:
        return _fault(told["fault"])
    declared = told["declared"]
    if declared is not None:
        declared = {_text(key): _frozen(value) for key, value in declared.items()}
    takes = {_text(name): bool(needed) for name, needed in told["parameters"].items()}
    return Description(declared, _text(told["summary"]), _faults(told["faults"]), takes)


def _reply(told: dict[str, Any], result: memoryview, request: Request) -> Reply:
    y: NDArray[Any] | None = None
    if told["has_result"]:
        whole = np.frombuffer(result, request.problem.output_format.dtype)
        y = whole.reshape(request.shape)
    elif result:
        raise ValueError("a result of a call that has none")
    return Reply(y, _faults(told["faults"]))


def _faults(told: list[Any]) -> tuple[Fault, ...]:
    return tuple(_fault(each) for each in told)


def _fault(told: list[str]) -> Fault:
    kind, message = told
    return Fault(_text(kind), _text(message))


def _text(told: Any) -> str:
    if not isinstance(told, str):
        raise TypeError("expected a text")
    return shown(told)


def _frozen(value: Any) -> Any:
    """A value as it was declared: sequences there are tuples."""
    if isinstance(value, list):
        return tuple(_frozen(each) for each in value)
    if isinstance(value, dict):
        return {key: _frozen(each) for key, each in value.items()}
    return value
