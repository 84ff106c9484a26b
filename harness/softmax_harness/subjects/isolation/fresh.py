"""A fresh process that answers one question after another, each within a time limit."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Any

from softmax_harness.ground.workers import interrupts_held_back
from softmax_harness.subjects.isolation import child
from softmax_harness.subjects.isolation.forked import Forked, can_fork, forked

_SECONDS_TO_END = 5.0  # of a process that has closed its end of the connection


class Died(Exception):
    """The process ended before it answered.

    Attributes
    ----------
    exit_code : int or None
        Negative for a signal; None for a process that was gone before it was asked.
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

    def ask(self, function: Callable[[Any], Any], given: Any, seconds: float) -> Any:
        """What `function` of `given` returns there.

        Raises
        ------
        TimeoutError
            If there is no answer within so many seconds.
        Died
            If the process ended.
        MemoryError
            If it needed more than its limit.
        """
        try:
            self._connection.send((function, given))
        except ConnectionError:
            raise Died(None) from None
        # A process of its own may hold the connection open when this one has ended.
        if not wait([self._connection, self._process.sentinel], seconds):
            raise TimeoutError
        try:
            answer = self._connection.recv() if self._connection.poll() else EOFError()
        except (EOFError, ConnectionError) as error:
            answer = error
        if isinstance(answer, EOFError | ConnectionError):
            self._process.join(_SECONDS_TO_END)
            raise Died(self._process.exitcode)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def close(self) -> None:
        """End the process, whatever it does."""
        self._process.kill()
        self._process.join()
        self._connection.close()


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
