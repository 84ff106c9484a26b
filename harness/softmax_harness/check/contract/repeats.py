"""The same call again and again, in threads, and in a fresh process."""

from __future__ import annotations

from math import prod

from softmax_harness.check.contract.budget import Room, fitting_repeats
from softmax_harness.check.contract.cases import normal
from softmax_harness.subjects.isolation import Fault, Request
from softmax_harness.subjects.repeats import bits
from softmax_harness.subjects.subject import Subject

# Past the sizes at which results stay in a workspace or threads are used.
_SMALL, _MIDDLE, _LARGE = (3, 33), (64, 1000), (257, 257)
_TIMES = 1000


def requests(subject: Subject, seed: int) -> list[Request]:
    """Calls that are repeated where they are made: often, and in threads at once."""
    small, middle, large = (normal(subject.format, s, seed) for s in (_SMALL, _MIDDLE, _LARGE))
    return [
        subject.request(small, times=_TIMES, threads=4),
        subject.request(middle, times=3, threads=4),
        subject.request(large, times=2),
    ]


def repeated(subject: Subject, seed: int, room: Room) -> list[tuple[Fault, str]]:
    """What was wrong with repeated calls, as many as there is room for."""
    asked = fitting_repeats(requests(subject, seed), room)
    return [
        (fault, f"shape {request.x.shape}")
        for request, reply in zip(asked, subject.ask(asked), strict=True)
        for fault in reply.faults
    ]


def in_a_fresh_process(subject: Subject, fresh: Subject, seed: int) -> list[tuple[Fault, str]]:
    """Whether the first calls of a fresh process give the bits that later ones give here."""
    shapes = [shape for shape in (_SMALL, _MIDDLE) if subject.pace.allows(1, prod(shape))]
    asked = [subject.request(normal(subject.format, shape, seed)) for shape in shapes]
    pairs = zip(subject.ask(asked), fresh.ask(asked), strict=True)
    if all(bits(here.y) == bits(there.y) for here, there in pairs):
        return []
    return [(Fault("nondeterminism", "a fresh process gives different bits"), "")]
