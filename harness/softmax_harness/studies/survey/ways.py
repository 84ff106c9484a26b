"""Ways to call an implementation on the same rows: each is a caller that makes other calls of it.

The results come back as those of a plain call, rows along the last axis, so that they are judged by
the same truth, and bit for bit beside those of another way.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax_harness.operations import Operation
from softmax_harness.subjects.request import Reply, Request
from softmax_harness.subjects.subject import Caller, Subject

Array = NDArray[Any]


def _first_axis(request: Request, ask: Callable[[Request], Reply]) -> Reply:
    """Rows become columns, along which the operation goes."""
    (x,) = request.arguments
    return _turned(ask(_along(request, np.ascontiguousarray(x.T), 0)), np.transpose)


def _middle_axis(request: Request, ask: Callable[[Request], Reply]) -> Reply:
    """Rows stand twice in an array of three dimensions, along the middle one."""
    (x,) = request.arguments
    return _turned(ask(_along(request, np.stack([x, x], axis=-1), 1)), lambda y: y[..., 0])


def _alone(request: Request, ask: Callable[[Request], Reply]) -> Reply:
    """Each row is a call of its own."""
    (x,) = request.arguments
    replies = [ask(_along(request, x[[row]], -1)) for row in range(len(x))]
    bad = next((each for each in replies if each.y is None), None)
    if bad is not None:
        return bad
    return Reply(np.concatenate([each.y for each in replies if each.y is not None]))


def _along(request: Request, x: Array, axis: int) -> Request:
    return replace(request, problem=request.problem.along(axis), arguments=(x,))


def _turned(reply: Reply, turn: Callable[[Array], Array]) -> Reply:
    y = None if reply.y is None else np.ascontiguousarray(turn(reply.y))
    return Reply(y, reply.faults)


PLAIN = ""
WAYS = {"first axis": _first_axis, "three dimensions": _middle_axis, "row alone": _alone}


@dataclass(frozen=True)
class InAWay:
    """A caller that makes each call in a way.

    Attributes
    ----------
    caller : Caller
        Makes the calls.
    way : str
        A name in `WAYS`.
    """

    caller: Caller
    way: str

    def serve(self, requests: list[Request]) -> list[Reply]:
        """Make the calls one after another."""
        return [WAYS[self.way](each, self._ask) for each in requests]

    def _ask(self, request: Request) -> Reply:
        return self.caller.serve([request])[0]


def ways_of(operation: Operation) -> tuple[str, ...]:
    """The ways to call an operation beside the plain one: those of logits and nothing else."""
    if operation.has_axis and operation.takes_logits and not operation.operands:
        return tuple(WAYS)
    return ()


def in_a_way(subject: Subject, way: str) -> Subject:
    """The subject, called in a way; itself for the plain one."""
    return subject if way == PLAIN else replace(subject, caller=InAWay(subject.caller, way))
