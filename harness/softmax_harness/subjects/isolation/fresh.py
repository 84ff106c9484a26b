"""A fresh process that answers one question after another, each within a time limit."""

from __future__ import annotations

import multiprocessing
import os
import select
import sys
import threading
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from socket import SHUT_RDWR, socket
from typing import Any

from softmax_harness.ground.workers import interrupts_held_back
from softmax_harness.subjects.isolation import channel, child, group
from softmax_harness.subjects.isolation.forked import Forked, can_fork, forked
from softmax_harness.subjects.waiting import waited

_SECONDS_TO_END = 5.0  # of a process that has closed its end of the connection
_SECONDS_TO_SETTLE = 0.5  # of processes that a process has started
_SECONDS_OF_GARBAGE = 0.5  # to prove the last of a process
_SECONDS_OF_AN_ANSWER = 5.0  # to come as a whole


class Died(Exception):
    """The process ended before it answered, or broke the connection by which it answers.

    Attributes
    ----------
    exit_code : int or None
        Negative for a signal; None for a process that is still there.
    """

    def __init__(self, exit_code: int | None) -> None:
        super().__init__(exit_code)
        self.exit_code = exit_code


class Fresh:
    """A process that holds only what it is asked to load; it must be closed.

    Parameters
    ----------
    memory : int
        Bytes that it may use.
    """

    def __init__(self, memory: int) -> None:
        self._connection, other_end = multiprocessing.Pipe()
        with other_end:
            self._process = _begun(other_end, memory)
        self._pid = self._process.pid or 0  # which it has, since it has begun
        self._ready = _watching(self._connection, self._process.sentinel)
        self._is_over = False
        self._exit_code: int | None = None

    def ask(
        self, question: str, given: Any, seconds: float, most: Sequence[int]
    ) -> Generator[channel.Answer]:
        """The answers to a question of `child.QUESTIONS`, as `wire` writes them.

        Parameters
        ----------
        most : sequence of int
            For each answer the bytes that it may have.

        Raises
        ------
        TimeoutError
            If not all answers have come within so many seconds.
        Died
            If the process ended, or the connection to it.
        """
        cut = threading.Event()
        timer = threading.Timer(seconds + _SECONDS_OF_AN_ANSWER, self._cut_off, [cut])
        timer.daemon = True
        timer.start()
        until = time.monotonic() + seconds
        try:
            channel.send(self._connection, (question, given))
            for size in most:
                yield self._answer(until, size)
        except (EOFError, OSError) as error:
            if cut.is_set() or isinstance(error, TimeoutError):
                raise TimeoutError from None
            is_closed = isinstance(error, EOFError | ConnectionError)
            self._join(_SECONDS_TO_END if is_closed else _SECONDS_OF_GARBAGE)
            raise Died(self._exit_code) from None
        finally:
            timer.cancel()
        if cut.is_set():
            raise TimeoutError

    def _answer(self, until: float, most: int) -> channel.Answer:
        # A process of its own may hold the connection open when this one has ended.
        ready = self._ready(max(until - time.monotonic(), 0.0))
        if ready is None:
            raise TimeoutError
        if not ready:
            raise EOFError
        return channel.received_answer(self._connection, most)

    def _cut_off(self, cut: threading.Event) -> None:
        """End a question or an answer that stopped in its middle, whoever holds the other end."""
        cut.set()
        self._process.kill()
        if sys.platform != "win32":
            with suppress(OSError), socket(fileno=os.dup(self._connection.fileno())) as ours:
                ours.shutdown(SHUT_RDWR)

    def close(self) -> None:
        """End the process and what it started, whatever they do."""
        if not self._is_over:
            self._process.kill()
            group.end(self._pid)
            self._join()
        self._connection.close()

    def waited(self) -> float:
        """Seconds that it has waited for a processor; 0 where that is not known."""
        return waited(self._pid)

    def left_behind(self) -> int:
        """How many processes it has started that do not end by themselves."""
        until = time.monotonic() + _SECONDS_TO_SETTLE
        while (count := group.left_behind(self._pid)) and time.monotonic() < until:
            time.sleep(_SECONDS_TO_SETTLE / 10)
        return count

    def _join(self, seconds: float | None = None) -> None:
        """Wait for its end, and end what it started while its number is surely its own."""
        if not self._is_over and wait([self._process.sentinel], seconds):
            group.end(self._pid)
            self._process.join()
            self._is_over, self._exit_code = True, self._process.exitcode


def _watching(connection: Connection[Any, Any], sentinel: int) -> Callable[[float], bool | None]:
    """``ready(seconds)``: whether an answer comes; False where the process ends, None if neither.

    `multiprocessing.connection.wait` makes a selector for each answer, which takes longer than to
    read it; Windows has nothing else.
    """
    if not hasattr(select, "poll"):

        def of_any(seconds: float) -> bool | None:
            found = wait([connection, sentinel], seconds)
            return connection.poll() if found else None

        return of_any
    poll = select.poll()
    for each in (connection.fileno(), sentinel):
        poll.register(each, select.POLLIN)

    def ready(seconds: float) -> bool | None:
        found = [number for number, _ in poll.poll(1000.0 * seconds)]
        return connection.fileno() in found if found else None

    return ready


def _begun(connection: Connection[Any, Any], memory: int) -> Forked | SpawnProcess:
    if can_fork():
        with interrupts_held_back(is_spawned=False):  # an interrupt is the parent's to answer
            fork = forked(connection, memory)
        if fork is not None:
            return fork
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=child.live, args=(connection, memory), daemon=True)
    with interrupts_held_back():
        process.start()
    return process
