"""The same call again and again, in threads, and in a fresh process."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import NamedTuple

from softmax_harness.check.contract.case import Case
from softmax_harness.check.contract.cases import Cases
from softmax_harness.subjects.isolation import Fault, Request
from softmax_harness.subjects.repeats import bits
from softmax_harness.subjects.subject import Subject

_TIMES = 1000
_IN_A_FRESH_PROCESS = 2  # the smaller ones
# The standard deviation of the logits. Most results of long rows are normal numbers then, in narrow
# formats too: what goes wrong shows in all their bits. Rounding to a subnormal float16 takes NumPy
# forty times as long.
_SCALE = 0.5


class _Repeated(NamedTuple):
    """How often arrays of a shape are asked, in how many threads at once, and along which axis."""

    shape: tuple[int, ...]
    times: int
    threads: int = 1
    axis: int = -1


# Past the sizes at which results stay in a workspace or threads are used: rows, axes, the length.
# Other axes than the last, and each number of axes, have kernels of their own.
_REPEATED = (
    _Repeated((3, 33), _TIMES, 4),
    _Repeated((64, 1024), 3, 4),
    _Repeated((4, 33, 130), 2),
    _Repeated((257, 257), 2, 4),
    _Repeated((5, 5000), 3, 4),
    _Repeated((2, 33_000), 2, 4),
    _Repeated((65, 4100), 2),
    _Repeated((70, 40), 3, 4, axis=0),
    _Repeated((6, 40, 33), 2, 4, axis=1),
    _Repeated((900,), 2),
    _Repeated((2, 4, 17, 130), 2, 4),
)
# Those of several queries, which are another kernel than that of one, and of a mask; and one of
# more queries than a block.
_WHOLE_CALLS, _MANY = 2, 128


def requests(subject: Subject, seed: int) -> list[Request]:
    """Calls that are repeated where they are made: often, and in threads; the least first."""
    operation = subject.problem.operation
    cases = Cases(operation, subject.format, seed)

    def request(case: Case, times: int, threads: int) -> Request:
        return replace(case.request(subject.problem), times=times, threads=threads)

    found = []
    for shape, times, threads, axis in _REPEATED:
        if cases.fitting([shape]) and (axis == -1 or _takes_axes(subject)):
            rows = cases.normal((math.prod(shape) // shape[axis], shape[axis]), _SCALE)
            found.append(request(Case("repeats", "", (rows,), shape, axis), times, threads))
    several = [case for case in cases.whole_calls() if case.shape[-2] > 1 and case.is_masked]
    many = [case for case in several if case.rows > _MANY][:1]
    asked = (*several[:_WHOLE_CALLS], *many)
    return [*found, *(request(case, times=2, threads=4) for case in asked)]


def _takes_axes(subject: Subject) -> bool:
    return subject.problem.operation.has_axis and subject.promises("axes")


def repeated(subject: Subject, asked: list[Request]) -> list[tuple[Fault, str]]:
    """What was wrong with repeated calls; a plain function may refuse another axis."""
    return [
        (fault, f"shape {request.x.shape}")
        for request, reply in zip(asked, subject.ask(asked), strict=True)
        if not (subject.is_plain and reply.refused and request.problem.axis != -1)
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
