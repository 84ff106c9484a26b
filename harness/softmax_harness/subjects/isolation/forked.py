"""Forks of a template process, which each process that wants some has for itself.

A fork begins in a small part of the time that a fresh interpreter with NumPy takes.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from contextlib import suppress
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from multiprocessing.reduction import send_handle
from multiprocessing.spawn import get_command_line
from multiprocessing.util import Finalize
from subprocess import DEVNULL, Popen, TimeoutExpired
from typing import Any

from softmax_harness.subjects.isolation.template import Surroundings

_SECONDS_TO_END = 5.0  # of a template that is needed no more


class Forked:
    """A fork of a template, with as much of the face of `multiprocessing.Process` as is needed."""

    def __init__(self, template: Template, pid: int) -> None:
        self._template, self.pid = template, pid
        self.sentinel = os.pidfd_open(pid)
        self.exitcode: int | None = None

    def kill(self) -> None:
        """End it at once."""
        if self.exitcode is None:
            with suppress(ProcessLookupError):  # which its template took with it
                signal.pidfd_send_signal(self.sentinel, signal.SIGKILL)

    def join(self, timeout: float | None = None) -> None:
        """Wait for its end, and leave nothing of it."""
        if self.exitcode is None and wait([self.sentinel], timeout):
            self.exitcode = self._template.reaped(self.pid)
            os.close(self.sentinel)


class Template:
    """The template process of this one.

    It ends with this process, whose end closes the connection, however it comes. The signal at
    the end of a parent would come too early, with the end of the thread that started it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._connection, theirs = Pipe()
        with theirs:
            command = _command(theirs.fileno())
            self._process = Popen(command, stdin=DEVNULL, pass_fds=[theirs.fileno()])
        self.end = Finalize(None, _end, args=(self._connection, self._process), exitpriority=0)

    def fork(self, connection: Connection[Any, Any], memory: int) -> Forked:
        """A process that answers what comes through the connection, in so many bytes of memory."""
        with self._lock:
            asked = (Surroundings.here(), memory)
            return Forked(self, self._answer(asked, connection.fileno()))

    def reaped(self, pid: int) -> int:
        """The exit code of a fork that has ended; its template's end is its own."""
        with self._lock:
            try:
                return self._answer(pid)
            except (EOFError, ConnectionError):
                return -signal.SIGKILL

    def _answer(self, asked: Any, descriptor: int | None = None) -> int:
        if self._connection.closed:
            raise EOFError
        try:
            self._connection.send(asked)
            if descriptor is not None:
                send_handle(self._connection, descriptor, self._process.pid)
            answer: int = self._connection.recv()
        except BaseException:  # an answer that comes now would be taken for that of another
            self.end()
            raise
        return answer

    def leave(self) -> None:
        """Leave it to the process of which this one is a fork."""
        self._connection.close()
        self._process.returncode = 0


def _command(descriptor: int) -> list[str]:
    """This interpreter with the same flags; modules are searched where this process does."""
    words = get_command_line()
    serve = f"from {Surroundings.__module__} import serve; serve({descriptor})"
    path = Surroundings.here().path
    return [*words[: words.index("-c") + 1], f"import sys; sys.path[:] = {path!a}; {serve}"]


def _end(connection: Connection[Any, Any], process: Popen[bytes]) -> None:
    connection.close()
    try:
        process.wait(_SECONDS_TO_END)
    except TimeoutExpired:
        process.kill()
        process.wait()


class _Here:
    """The template of this process."""

    template: Template | None = None
    lock = threading.Lock()


def _template(is_fresh: bool) -> Template:
    with _Here.lock:
        if is_fresh or _Here.template is None:
            _Here.template = Template()
        return _Here.template


def _leave() -> None:
    if _Here.template is not None:
        _Here.template.leave()
    _Here.template, _Here.lock = None, threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_leave)


def can_fork() -> bool:
    """Whether the system has what this needs: Linux has since 5.3, some containers forbid it."""
    if sys.platform != "linux" or not hasattr(os, "pidfd_open"):
        return False
    try:
        os.close(os.pidfd_open(os.getpid()))
    except OSError:
        return False
    return True


def forked(connection: Connection[Any, Any], memory: int) -> Forked | None:
    """A fresh process that answers what comes through the connection; None where none can be had.

    A template that was found dead is replaced.
    """
    for is_fresh in (False, True):
        with suppress(EOFError, ConnectionError):
            return _template(is_fresh).fork(connection, memory)
    return None
