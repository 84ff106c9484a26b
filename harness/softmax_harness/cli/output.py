"""The standard output of the command: what becomes of it where it cannot be written."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TextIO

from softmax_harness.ground.errors import HarnessError


class OutputLost(HarnessError):
    """Standard output cannot be written, and somebody may still wait for it."""


class _Guarded:
    """Writes on as long as somebody reads; the exit code says the rest.

    A reader that has gone, such as head, has what it wants. What cannot be written for any other
    reason is lost, and is told in one line.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lost: OutputLost | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """As of any text stream."""
        self._tried(lambda: self._stream.write(text))
        return len(text)

    def flush(self) -> None:
        """As of any text stream."""
        self._tried(self._stream.flush)

    def _tried(self, action: Callable[[], object]) -> None:
        if self._lost is not None:  # click tries whether it can write, and goes on if not
            raise self._lost
        try:
            action()
        except OSError as error:
            # What it still holds would fail again at the end, and then decide the exit code.
            _to_nowhere(self._stream)
            if not isinstance(error, BrokenPipeError):
                self._lost = OutputLost(f"the results cannot be written: {error.strerror}")
                raise self._lost from None


@contextmanager
def guarded_output() -> Iterator[None]:
    """Guard standard output, all of which is written at the end.

    Raises
    ------
    OutputLost
    """
    _open_all()
    plain = sys.stdout
    sys.stdout = guarded = _Guarded(plain)
    try:
        yield
        guarded.flush()
    finally:
        sys.stdout = plain


def told(message: str) -> None:
    """Lines on standard error, if they can be written there."""
    try:
        print(message, file=sys.stderr, flush=True)
    except OSError:
        _to_nowhere(sys.stderr)


def _open_all() -> None:
    """Open standard streams that are closed, lest the next file that is opened be one of them."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            # The least number that is free is taken; other processes inherit it.
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
    for name, descriptor in (("stdout", 1), ("stderr", 2)):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.dup(descriptor), "w", encoding="utf-8"))


def _to_nowhere(stream: TextIO) -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
