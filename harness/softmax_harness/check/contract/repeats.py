"""The same call again and again, in threads, and in a fresh process."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from softmax_harness.check.contract.case import Case
from softmax_harness.check.contract.cases import Cases
from softmax_harness.subjects.isolation import Fault, Request
from softmax_harness.subjects.repeats import bits
from softmax_harness.subjects.subject import Subject

_TIMES = 1000
_IN_A_FRESH_PROCESS = 2  # the smaller ones


class _Repeated(NamedTuple):
    """How often arrays of a shape are asked, and in how many threads at once."""

    shape: tuple[int, ...]
    times: int
    threads: int = 1


# Past the sizes at which results stay in a workspace or threads are used: rows, axes, the length.
_REPEATED = (
    _Repeated((3, 33), _TIMES, 4),
    _Repeated((64, 1000), 3, 4),
    _Repeated((2, 5, 33), 2),
    _Repeated((257, 257), 2),
    _Repeated((5, 5000), 3, 4),
    _Repeated((2, 33_000), 2, 4),
    _Repeated((65, 4100), 2),
)


def requests(subject: Subject, seed: int) -> list[Request]:
    """Calls that are repeated where they are made: often, and in threads; the least first."""
    cases = Cases(subject.problem.operation, subject.format, seed)
    return [
        replace(
            Case("repeats", f"shape {shape}", cases.normal(shape), shape).request(subject.problem),
            times=times,
            threads=threads,
        )
        for shape, times, threads in _REPEATED
        if cases.fitting([shape])
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
