"""Times a few calls of an implementation, to tell its pace."""

from __future__ import annotations

import time
from collections.abc import Iterable
from itertools import repeat
from typing import NamedTuple

import numpy as np

from softmax_harness.subjects.pace import Pace
from softmax_harness.subjects.subject import Subject
from softmax_harness.subjects.waiting import Waiting, waited

_SIZES = (16, 64, 256, 1024)  # elements of the calls that are timed
_LONGEST_ROW = 64
_TRIES, _FEWEST_TRIES = 8, 2
_MOST_CALLS = 4000  # of new shapes in so many seconds; the suite has some 1500
_SHARE = 0.1  # of the time limit, after which a call is tried no more


def timed_pace(subject: Subject, limit: float, most_elements: int, seconds: float) -> Pace:
    """The pace of an implementation within a time limit.

    Whoever is surely fast enough for so many elements in so many seconds is timed no further, and
    has the pace of one whose calls take no time. Of several times the least counts, since others
    may run on the machine just then; what a call waited for a processor makes nobody slow.

    Raises
    ------
    Ended
        If its process did not survive a call.
    """
    timer = _Timer(subject, _SHARE * limit)
    small = size = _SIZES[0]
    for larger in _SIZES[1:]:
        enough = _SHARE * limit * size / larger
        if timer.least(size, enough).own > enough:
            break
        size = larger
    enough, cheap = seconds * size / most_elements, seconds / _MOST_CALLS
    large = timer.least(size, enough)
    is_fast = size == _SIZES[-1] and large.own <= enough
    new = timer.least_of_new_shapes(size, cheap if is_fast else large.wall)
    if is_fast and new.own <= cheap:
        return Pace()
    least = timer.least(small).wall
    each = max(large.wall - least, 0.0) / (size - small) if size > small else least / small
    return Pace(max(least - each * small, 0.0), each, limit, max(new.wall - large.wall, 0.0))


class _Took(NamedTuple):
    """The seconds of a call, and these less what it waited for a processor."""

    wall: float
    own: float


class _Timer:
    """Times calls, for some seconds at a time."""

    def __init__(self, subject: Subject, seconds: float) -> None:
        self._subject, self._seconds = subject, seconds

    def least(self, size: int, enough: float = 0.0) -> _Took:
        """The least that a call takes with so many elements; what is `enough` is the last."""
        return self._least(repeat(self._shape(size), _TRIES), enough)

    def least_of_new_shapes(self, size: int, enough: float) -> _Took:
        """The same of calls with shapes that were not there before: a library may compile."""
        rows, n = self._shape(size)
        lengths = [n - less if n > _TRIES else n + less for less in range(1, _TRIES)]
        return self._least([(rows, n) for n in lengths if n <= self._subject.longest], enough)

    def _shape(self, size: int) -> tuple[int, int]:
        n = int(
            max(min(_LONGEST_ROW, size, self._subject.longest), 1)
        )  # who takes none is asked one
        return size // n, n

    def _least(self, shapes: Iterable[tuple[int, int]], enough: float) -> _Took:
        walls, owns = [], []
        for shape in shapes:
            wall, own = self._took(shape)
            walls.append(wall)
            owns.append(own)
            is_spent = sum(walls) > self._seconds and len(walls) >= _FEWEST_TRIES
            if min(owns) <= enough or is_spent:
                break
        return _Took(min(walls, default=0.0), min(owns, default=0.0))

    def _took(self, shape: tuple[int, int]) -> _Took:
        subject = self._subject
        rng = np.random.default_rng(0)
        x = rng.normal(0.0, 3.0, shape).astype(subject.format.dtype)
        request = subject.request(*subject.problem.operation.inputs(x, rng))
        began, waited = time.perf_counter(), self._waited()
        subject.ask([request])
        wall = time.perf_counter() - began
        return _Took(wall, max(wall - max(self._waited() - waited, 0.0), 0.0))

    def _waited(self) -> float:
        """What the implementation has waited for a processor.

        What this process waits besides may be while the other one works, and counts.
        """
        caller = self._subject.caller
        return caller.waited() if isinstance(caller, Waiting) else waited()
