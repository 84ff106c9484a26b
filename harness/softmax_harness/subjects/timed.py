"""Times a few calls of an implementation, to tell its pace."""

from __future__ import annotations

import time
from functools import partial

import numpy as np

from softmax_harness.subjects.pace import Pace
from softmax_harness.subjects.subject import Subject

_SMALL, _LARGE, _LARGER = 15, 64, 1024  # elements of the calls that are timed
_LONGEST_ROW = 64
_MOST_SECONDS = 0.25  # of the time limit, for the call with most elements
_NEW_SHAPES = 3


def timed_pace(subject: Subject, limit: float, most_elements: int, seconds: float) -> Pace:
    """The pace of an implementation within a time limit.

    Whoever is surely fast enough for so many elements in so many seconds is timed no further, and
    has the pace of one whose calls take no time. What a call takes by itself is told from first
    calls with a shape, since a library may compile for each; the least of several times counts,
    since others may have run here at the same time.

    Raises
    ------
    Ended
        If its process did not survive a call.
    """
    took = partial(_seconds, subject)
    small = took(_SMALL)
    size = _LARGER
    if small * _LARGER / _SMALL > _MOST_SECONDS * limit:
        small = min(small, took(_SMALL))
        size = _LARGER if small * _LARGER / _SMALL <= _MOST_SECONDS * limit else _LARGE
    large = took(size)
    if large * most_elements / size <= seconds:
        return Pace()
    firsts = [large - (again := min(large, took(size)))]
    small = min(small, took(_SMALL))
    for more in range(1, _NEW_SHAPES):
        first = took(size, more)
        firsts.append(first - min(first, again))
        again = min(again, first)
    each = max(again - small, 0.0) / (size - _SMALL)
    return Pace(max(min(firsts), small - _SMALL * each, 0.0), each, limit)


def _seconds(subject: Subject, size: int, more: int = 0) -> float:
    """What a call takes with so many elements, and a few more in a shape of its own."""
    n = int(min(_LONGEST_ROW, size, subject.longest))
    x = np.random.default_rng(0).normal(0.0, 3.0, (size // n + more, n))
    request = subject.request(x.astype(subject.format.dtype))
    began = time.perf_counter()
    subject.ask([request])
    return time.perf_counter() - began
