"""A process in which asv builds; whatever its builds have started ends with it."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from queue import SimpleQueue
from typing import Any

from softmax_harness.ground.errors import HarnessError
from softmax_harness.ground.workers import interrupts_held_back
from softmax_harness.subjects.isolation import group

_SECONDS_TO_END = 5.0
_SECONDS_TO_BE_GONE = 5.0  # after a signal that nobody can hold back
_QUIET_LOOKS, _SECONDS_BETWEEN_LOOKS = 5, 0.02
_FOREVER = 1e3  # seconds

# Windows has neither, nor does anybody list processes there.
_STOP, _KILL = (
    getattr(signal, "SIGSTOP", signal.SIGTERM),
    getattr(signal, "SIGKILL", signal.SIGTERM),
)

Ask = Callable[..., Any]
"""``ask(function, *given)`` calls the function in the other process, and gives what it returns."""


@contextmanager
def builder() -> Iterator[Ask]:
    """A process that calls functions for this one, while the context lasts.

    asv starts pip, compilers and git, each in a group of its own. They outlive whoever is killed
    while they work, unless the process above them is another one, which sees that and ends them.
    Its standard output is standard error: asv tells there what it does.
    """
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_live, args=(there,), name="builder")
    with there, interrupts_held_back():
        process.start()

    def ask(function: Callable[..., Any], *given: Any) -> Any:
        here.send((function, given))
        try:
            answer = here.recv()
        except (EOFError, ConnectionError):
            process.join(_SECONDS_TO_END)
            raise HarnessError(
                f"the process that builds died with exit code {process.exitcode}"
            ) from None
        if isinstance(answer, Exception):
            raise answer
        return answer

    try:
        yield ask
    finally:
        here.close()  # of which the other end is told
        _end(process)


def _end(process: BaseProcess) -> None:
    """Wait until the builder and all that it has started are gone, and end what does not go."""
    process.join(_SECONDS_TO_END)
    pid = process.pid
    assert pid is not None  # it has begun
    if process.is_alive():  # nobody else gets its number before it is waited for
        process.kill()
        _send(group.started_by(pid), _KILL)
    process.join()
    # A killed process takes a moment to die, of which only its own parent would be told.
    until = time.monotonic() + _SECONDS_TO_BE_GONE
    while group.started_by(pid) and time.monotonic() < until:
        time.sleep(_SECONDS_BETWEEN_LOOKS)


def _live(connection: Connection) -> None:
    """Answer until the other end of the connection is closed, by its process or by its end."""
    group.lead()
    group.adopt()
    _take_interrupts_again()
    os.dup2(2, 1)
    if hasattr(os, "fork"):  # locks that asv makes then leave nothing behind where this one ends
        multiprocessing.set_start_method("fork", force=True)
    requests: SimpleQueue[Any] = SimpleQueue()
    threading.Thread(target=_read, args=(connection, requests), daemon=True).start()
    while True:
        function, given = requests.get()
        connection.send(_answer(function, given))


def _take_interrupts_again() -> None:
    """What a build starts may be interrupted; this process is out of a terminal's reach by now.

    An interrupt that came before is the parent's to answer: ignored, it is no longer pending.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _read(connection: Connection, requests: SimpleQueue[Any]) -> None:
    try:
        while True:
            requests.put(connection.recv())
    except (EOFError, ConnectionError):
        pass
    finally:
        _break_off()


def _break_off() -> None:
    """End what a build has started, and this process before asv knows of it.

    asv would take a Python that was ended for a broken environment, and begin to remove it.
    """
    stopped: set[int] = set()
    quiet = 0
    while quiet < _QUIET_LOOKS:  # asv may be about to start the next one
        new = group.started_by(os.getpid()) - stopped
        _send(new, _STOP)
        stopped |= new
        quiet = 0 if new else quiet + 1
        time.sleep(_SECONDS_BETWEEN_LOOKS)
    sys.setswitchinterval(_FOREVER)  # no other thread gets its turn between these two
    _send(stopped, _KILL)
    os._exit(0)


def _send(pids: set[int], number: int) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def _answer(function: Callable[..., Any], given: tuple[Any, ...]) -> Any:
    try:
        return function(*given)
    except HarnessError as error:
        return error
    except Exception as error:  # noqa: BLE001 - of foreign code, whose class may not travel
        return HarnessError(f"{type(error).__name__}: {error}")
