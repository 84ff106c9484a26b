"""SIGTERM, answered as an interrupt is: what was begun is undone on the way out."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

_SECONDS_TO_REPEAT = 0.02


class Terminated(KeyboardInterrupt):
    """SIGTERM came."""


@contextmanager
def termination_raised() -> Iterator[None]:
    """Raise `Terminated` in the main thread where SIGTERM comes, once, while the context lasts.

    Where nobody can handle it (in another thread), or somebody has said how, nothing is changed.
    Forked processes end by it as ever: they are their parent's to clean up after.

    It, or an interrupt, may come while Python runs what nothing can be raised from, such as the
    destructor of an object. It is then raised once more, a moment later.
    """
    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGTERM, _raised)
    lost, sys.unraisablehook = sys.unraisablehook, _not_raised
    try:
        yield
    finally:
        sys.unraisablehook = lost
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def interruption_in(error: BaseException | None) -> KeyboardInterrupt | None:
    """The interrupt from which an exception came, such as Python makes of one in an import."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error


def _not_raised(lost: UnraisableHookArgs) -> None:
    error = lost.exc_value
    is_main = threading.current_thread() is threading.main_thread()
    if not isinstance(error, KeyboardInterrupt) or not is_main or not hasattr(signal, "setitimer"):
        sys.__unraisablehook__(lost)
        return
    kind = type(error)

    def again(number: int, frame: FrameType | None) -> None:
        signal.signal(number, signal.SIG_DFL)
        raise kind

    signal.signal(signal.SIGALRM, again)
    signal.setitimer(signal.ITIMER_REAL, _SECONDS_TO_REPEAT)


def _raised(number: int, frame: FrameType | None) -> None:
    signal.signal(number, signal.SIG_IGN)  # a second one must not break off the cleaning up
    raise Terminated


def _ended_in_child() -> None:
    if signal.getsignal(signal.SIGTERM) is _raised:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


if hasattr(os, "register_at_fork"):  # Windows has no fork
    os.register_at_fork(after_in_child=_ended_in_child)
