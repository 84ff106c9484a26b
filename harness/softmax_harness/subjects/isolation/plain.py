"""Answers of an isolated process as plain bytes, which can hold nothing that runs.

A line of JSON, then the bytes of the results. A pickle would hand foreign code the judge: it can
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
from softmax_harness.subjects.request import Description, Fault, Reply, Request

_T = TypeVar("_T")

_LONGEST_TEXT = 4000  # characters of a message
_MOST_FAULTS = 100  # of one reply
_MOST_OF_A_LINE = 1 << 20  # bytes for each reply, in an answer that is believed


class Garbled(Exception):
    """What came is no answer of ours."""


class Broken(Exception):
    """The process could not answer, since something in it was broken."""


def encoded(answer: Any) -> bytes:
    """A `Description`, a `Fault`, replies, or the exception that came in the place of these."""
    results: list[bytes] = []
    if isinstance(answer, MemoryError):
        told: dict[str, Any] = {"memory": True}
    elif isinstance(answer, Exception):
        told = {"broken": told_of(answer)}
    elif isinstance(answer, Fault):
        told = {"fault": _of_fault(answer)}
    elif isinstance(answer, Description):
        faults = [_of_fault(each) for each in answer.faults]
        told = {"declared": answer.declared, "summary": shown(answer.summary), "faults": faults}
    else:
        told = {"replies": [_of_reply(each) for each in answer]}
        results = [each.y.tobytes() for each in answer if each.y is not None]
    return b"\n".join([json.dumps(told, default=_plain).encode(), b"".join(results)])


def _of_fault(fault: Fault) -> list[str]:
    return [fault.kind, shown(fault.message)]


def _of_reply(reply: Reply) -> list[Any]:
    return [reply.y is not None, [_of_fault(each) for each in reply.faults[:_MOST_FAULTS]]]


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


def description_in(data: bytes) -> Description | Fault:
    """What loading gave.

    Raises
    ------
    Garbled, Broken, MemoryError
    """
    told, _ = _read(data)
    return _checked(lambda: _description(told))


def replies_in(data: bytes, requests: list[Request]) -> list[Reply]:
    """What the calls gave, as arrays of the shapes and dtypes that were asked for.

    Raises
    ------
    Garbled, Broken, MemoryError
    """
    told, results = _read(data)
    return _checked(lambda: _replies(told, results, requests))


def most(requests: list[Request]) -> int:
    """How many bytes an answer may have; that of loading where nothing is requested."""
    return sum(_size(each) + _MOST_OF_A_LINE for each in requests) or _MOST_OF_A_LINE


def _size(request: Request) -> int:
    return prod(request.shape) * request.problem.output_format.dtype.itemsize


def _read(data: bytes) -> tuple[dict[str, Any], bytes]:
    line, _, results = data.partition(b"\n")
    told = _checked(lambda: dict(json.loads(line)))
    if "memory" in told:
        raise MemoryError
    if "broken" in told:
        raise Broken(_checked(lambda: _text(told["broken"])))
    return told, results


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
    return Description(declared, _text(told["summary"]), _faults(told["faults"]))


def _replies(told: dict[str, Any], results: bytes, requests: list[Request]) -> list[Reply]:
    replies, start = [], 0
    for (has_result, faults), request in zip(told["replies"], requests, strict=True):
        y: NDArray[Any] | None = None
        if has_result:
            end = start + _size(request)
            whole = np.frombuffer(results[start:end], request.problem.output_format.dtype)
            y, start = whole.reshape(request.shape).copy(), end
        replies.append(Reply(y, _faults(faults)))
    if start != len(results):
        raise ValueError("more results than replies")
    return replies


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
