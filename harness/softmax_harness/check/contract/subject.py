"""One implementation in one dtype while it is checked: its declaration, and how to call it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from numpy.typing import NDArray
from softmax_implementations import Implementation

from softmax_harness.ground.formats import FORMATS, Format
from softmax_harness.subjects.isolation import Ended, Reply, Request

# Asked at once of a process, which answers within its time limit.
_ELEMENTS_AT_ONCE = 1 << 18
_CALLS_AT_ONCE = 32  # of which each may be compiled first


class Server(Protocol):
    """Where calls are made."""

    def serve(self, requests: list[Request]) -> list[Reply]:
        """Make the calls one after another."""


@dataclass(frozen=True)
class Subject:
    """An implementation in one dtype, to be checked.

    Attributes
    ----------
    declaration : Implementation
        What is declared; its function is not called here.
    is_plain : bool
        Whether nothing was declared: then what it refuses by an exception is reported only.
    format : Format
        Of the inputs.
    process : Server
        Where it is called.
    """

    declaration: Implementation
    is_plain: bool
    format: Format
    process: Server

    @property
    def result_format(self) -> Format:
        """Of the outputs."""
        return (
            FORMATS[self.declaration.output_dtype] if self.declaration.output_dtype else self.format
        )

    @property
    def longest(self) -> float:
        """The largest n it promises."""
        return self.declaration.largest_n.get(self.format.name, float("inf"))

    def promises(self, capability: str) -> bool:
        """Whether it has a capability, so that its lack is a fault."""
        return capability in self.declaration.capabilities

    def request(self, x: NDArray[Any], **how: Any) -> Request:
        """The request for softmax of x; integers are worked as float64."""
        is_integer = x.dtype.kind in "iu"
        return Request(x, "float64" if is_integer else self.result_format.name, **how)

    def ask(self, requests: list[Request]) -> list[Reply]:
        """What the implementation answers; raises `Ended` if its process did not survive it."""
        return [reply for some in _portions(requests) for reply in self._served(some)]

    def _served(self, requests: list[Request]) -> list[Reply]:
        """The replies; if the process ended, each request again, to find the call that ended it."""
        try:
            return self.process.serve(requests)
        except Ended:
            if len(requests) == 1:
                raise
        return [self.process.serve([request])[0] for request in requests]


def _portions(requests: list[Request]) -> Iterator[list[Request]]:
    some: list[Request] = []
    size = 0
    for request in requests:
        is_full = size + request.x.size > _ELEMENTS_AT_ONCE or len(some) == _CALLS_AT_ONCE
        if some and is_full:
            yield some
            some, size = [], 0
        some.append(request)
        size += request.x.size
    if some:
        yield some
