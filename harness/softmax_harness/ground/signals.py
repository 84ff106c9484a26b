"""SIGTERM, answered as an interrupt is: what was begun is undone on the way out."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Terminated(KeyboardInterrupt):
    """SIGTERM came."""


@contextmanager
def termination_raised() -> Iterator[None]:
    """Raise `Terminated` in the main thread where SIGTERM comes, once, while the context lasts.

    Where nobody can handle it (in another thread), or somebody has said how, nothing is changed.
    Forked processes end by it as ever: they are their parent's to clean up after.
    """
    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGTERM, _raised)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _raised(number: int, frame: FrameType | None) -> None:
    signal.signal(number, signal.SIG_IGN)  # a second one must not break off the cleaning up
    raise Terminated


def _ended_in_child() -> None:
    if signal.getsignal(signal.SIGTERM) is _raised:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


if hasattr(os, "register_at_fork"):  # Windows has no fork
    os.register_at_fork(after_in_child=_ended_in_child)
