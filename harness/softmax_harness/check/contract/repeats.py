"""The same call again and again, in threads, and in a fresh process."""

from __future__ import annotations

from dataclasses import replace

from softmax_harness.check.contract.cases import Cases
from softmax_harness.subjects.isolation import Fault, Request
from softmax_harness.subjects.repeats import bits
from softmax_harness.subjects.subject import Subject

# Past the sizes at which results stay in a workspace or threads are used.
_SMALL, _MIDDLE, _LARGE, _LONG = (3, 33), (64, 1000), (257, 257), (5, 5000)
_TIMES = 1000
_IN_A_FRESH_PROCESS = 2  # the smaller ones


def requests(subject: Subject, seed: int) -> list[Request]:
    """Calls that are repeated where they are made: often, and in threads; the least first."""
    cases = Cases(subject.problem.operation, subject.format, seed)
    return [
        subject.request(*cases.normal(_SMALL), times=_TIMES, threads=4),
        subject.request(*cases.normal(_MIDDLE), times=3, threads=4),
        subject.request(*cases.normal(_LARGE), times=2),
        subject.request(*cases.normal(_LONG), times=3, threads=4),
    ]


def repeated(subject: Subject, asked: list[Request]) -> list[tuple[Fault, str]]:
    """What was wrong with repeated calls."""
    return [
        (fault, f"shape {request.x.shape}")
        for request, reply in zip(asked, subject.ask(asked), strict=True)
        for fault in reply.faults
    ]


def in_a_fresh_process(
    subject: Subject, fresh: Subject, asked: list[Request]
) -> list[tuple[Fault, str]]:
    """Whether the first calls of a fresh process give the bits that later ones give here."""
    once = [replace(each, times=1, threads=1) for each in asked[:_IN_A_FRESH_PROCESS]]
    pairs = zip(subject.ask(once), fresh.ask(once), strict=True)
    if all(bits(here.y) == bits(there.y) for here, there in pairs):
        return []
    return [(Fault("nondeterminism", "a fresh process gives different bits"), "")]
