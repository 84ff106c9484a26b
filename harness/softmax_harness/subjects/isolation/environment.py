"""Tells whether the system, and not the implementation, is why a process ended."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np

from softmax_harness.ground.errors import HarnessError
from softmax_harness.ground.formats import FORMATS
from softmax_harness.subjects.isolation.process import Ended, Isolated, Limits
from softmax_harness.subjects.request import Fault, Request

_TRIVIAL = f"{Path(__file__).with_name('trivial.py')}:softmax"
_BLAMED = ("died", "memory", "raised", "timeout")
_TRIED = (256, 1024)  # more than fits into memory that a process has already


class NoRoom(HarnessError):
    """Not even a trivial implementation can run within the limits of the system and the user."""


def blame(fault: Fault, limits: Limits) -> Fault:
    """The fault, of the implementation's own.

    Raises
    ------
    NoRoom
        If a trivial one cannot run here either.
    """
    if fault.kind in _BLAMED and (told := _trial(limits)):
        raise NoRoom(
            f"no implementation can run here, since not even a trivial one can: {told}; "
            f"raise the limits: {', '.join(_known(limits))}"
        )
    return fault


def _trial(limits: Limits) -> str:
    """What was wrong with a call of the trivial one; empty where nothing was."""
    # Not at the top: the process of an implementation imports this package, and no operation.
    from softmax_harness.operations import DEFAULT_OPERATION, OPERATIONS, Problem

    x = np.zeros(_TRIED)
    request = Request(Problem.of(OPERATIONS[DEFAULT_OPERATION], FORMATS["float64"]), (x,))
    with Isolated(_TRIVIAL, Limits(limits.seconds, limits.memory)) as process:
        try:
            found = process.load()
            if isinstance(found, Fault):
                return found.message
            (reply,) = process.serve([request])
        except Ended as ended:
            return ended.fault.message
    return "; ".join(reply.messages)


def _known(limits: Limits) -> list[str]:
    own = [f"--memory-limit {limits.memory >> 20}", f"--time-limit {limits.seconds:g}"]
    return own + _of_the_system()


def _of_the_system() -> list[str]:
    """The limits that are set here, in the words of the shell that sets them."""
    if sys.platform == "win32":
        return []
    import resource

    words = {
        "ulimit -v": (resource.RLIMIT_AS, 1024),
        "ulimit -n": (resource.RLIMIT_NOFILE, 1),
        "ulimit -u": (getattr(resource, "RLIMIT_NPROC", resource.RLIMIT_NOFILE), 1),
        "ulimit -f": (resource.RLIMIT_FSIZE, 1024),
    }
    found = {word: (resource.getrlimit(kind)[0], unit) for word, (kind, unit) in words.items()}
    told = [
        f"{word} {value // unit}"
        for word, (value, unit) in found.items()
        if value != resource.RLIM_INFINITY
    ]
    return [*told, f"TMPDIR {os.environ['TMPDIR']}"] if "TMPDIR" in os.environ else told
