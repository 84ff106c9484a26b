"""How fast an implementation is, and how much fits into a time."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from softmax_harness.subjects.repeats import calls_of, elements_of
from softmax_harness.subjects.request import Request

# Asked at once of a process, which answers within its time limit.
_ELEMENTS_AT_ONCE = 1 << 18
_CALLS_AT_ONCE = 32  # of which each may be compiled first
_UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"))
_SHARE_AT_ONCE = 0.25  # of the time limit: the rest is for a machine that becomes slower


@dataclass(frozen=True)
class Pace:
    """What calls of an implementation take; nothing that counts, unless it was timed.

    Attributes
    ----------
    per_call, per_element : float
        Seconds.
    limit : float
        The time limit, in seconds, of calls that are asked for at once.
    per_shape : float
        What the first call of a shape takes besides, in seconds: a library may compile for each.
    """

    per_call: float = 0.0
    per_element: float = 0.0
    limit: float = math.inf
    per_shape: float = 0.0

    def seconds(self, calls: int, elements: int, shapes: int = 1) -> float:
        """What so many calls with so many elements in all take, of so many new shapes."""
        return calls * self.per_call + elements * self.per_element + shapes * self.per_shape

    def allows(self, calls: int, elements: int) -> bool:
        """Whether so many calls, asked for at once, surely end within the limit."""
        return self.seconds(calls, elements) <= self.limit / 2

    @property
    def told(self) -> str:
        """The pace in words."""
        parts = {
            "an element": self.per_element,
            "a call": self.per_call,
            "a new shape": self.per_shape,
        }
        told = [f"{_short(value)} {what}" for what, value in parts.items() if value >= 1e-6]
        return " and ".join([*([", ".join(told[:-1])] if told[1:] else []), *told[-1:]])

    def portions(self, requests: list[Request]) -> Iterator[list[Request]]:
        """The requests in groups, each of which ends well within the limit."""
        some: list[Request] = []
        size, taken = 0, 0.0
        for request in requests:
            own = self.seconds(calls_of(request), elements_of(request))
            is_large = size + request.size > _ELEMENTS_AT_ONCE or len(some) == _CALLS_AT_ONCE
            if some and (is_large or taken + own > _SHARE_AT_ONCE * self.limit):
                yield some
                some, size, taken = [], 0, 0.0
            some.append(request)
            size += request.size
            taken += own
        if some:
            yield some


def _short(seconds: float) -> str:
    """In two digits."""
    size, unit = next((each for each in _UNITS if seconds >= each[0]), _UNITS[-1])
    return f"{float(f'{seconds / size:.2g}'):g} {unit}"
