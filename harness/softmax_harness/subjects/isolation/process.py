"""An isolated process for one implementation; it ends if the implementation breaks a limit."""

from __future__ import annotations

import math
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from softmax_harness.ground.errors import HarnessError
from softmax_harness.subjects.convention import Convention
from softmax_harness.subjects.isolation import wire
from softmax_harness.subjects.isolation.channel import Answer
from softmax_harness.subjects.isolation.fresh import Died, Fresh
from softmax_harness.subjects.request import Description, Fault, Left, Reply, Request
from softmax_harness.subjects.trace import Step

_TIMES_TO_START = 3.0  # a large library takes its time, to load and again at its first call
_SHARE_OF_ONE = 0.5  # of the time limit: a call that took as much hangs, and is not made again


@dataclass(frozen=True)
class Limits:
    """What an implementation may use.

    Attributes
    ----------
    seconds : float
        For what is asked of it at once, some hundred thousand elements at most; loading it may
        take three times as long, and so may the first call of what uses a library, which may
        compile then.
    memory : int
        Bytes.
    total : float
        Seconds for all that is asked of it until they are renewed, start-up left out: what is
        just within the other limit, again and again, adds up to hours.
    """

    seconds: float = 20.0
    memory: int = 4 << 30
    total: float = math.inf


class Ended(Exception):
    """The process died, was ended at a limit, or could not load the implementation once more.

    Attributes
    ----------
    fault : Fault
        Of the kind ``died``, ``timeout`` or ``memory``; ``raised`` of what cannot be loaded again.
    told : str
        What was asked of it.
    replies : tuple of Reply
        To the calls before the one at which it ended.
    had_time : bool
        Whether the call at which it ended was made with most of the time limit left.
    """

    def __init__(
        self, fault: Fault, told: str, replies: Sequence[Reply] = (), had_time: bool = True
    ) -> None:
        super().__init__(fault.message)
        self.fault, self.told = fault, told
        self.replies, self.had_time = tuple(replies), had_time


class _Stopped(Exception):
    """Not all answers came.

    Attributes
    ----------
    fault : Fault
        As that of `Ended`.
    """

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.message)
        self.fault = fault


class NoProcess(HarnessError):
    """The system starts no process."""


_OF_NUMPY = Convention()


class Isolated:
    """One implementation in a process of its own; a context manager that ends it.

    It is loaded with the first thing that is asked of it, and anew in a fresh process after one
    that ended.
    """

    def __init__(self, name: str, limits: Limits, convention: Convention = _OF_NUMPY) -> None:
        self.name, self.limits, self._convention = name, limits, convention
        self._process: Fresh | None = None
        self._is_loaded = self._is_cold = False
        self._left = limits.total

    def renew(self) -> None:
        """Let it have the whole of its time again."""
        self._left = self.limits.total

    def load(self) -> Description | Fault:
        """What is known of the implementation; a fault where it cannot be loaded.

        Raises
        ------
        Ended
            If the process died or was ended.
        """
        seconds = _TIMES_TO_START * self.limits.seconds
        found: list[Description | Fault] = []
        given = self.name, self._convention
        try:
            self._ask("load", given, seconds, [wire.most()], _reading(found), is_start=True)
        except _Stopped as stopped:
            raise Ended(stopped.fault, "when it was loaded") from None
        self._is_loaded, self._is_cold = True, self._uses_library(found[0])
        return found[0]

    def _uses_library(self, found: Description | Fault) -> bool:
        """Whether it may compile at its first call, or wake a device."""
        declared = (isinstance(found, Description) and found.declared) or {}
        return any((self._convention.arrays, declared.get("library"), declared.get("arrays")))

    def serve(self, requests: list[Request]) -> list[Reply]:
        """Make the calls one after another, within the limits.

        Raises
        ------
        Ended
            If the process died or was ended, or a fresh one could not load the implementation.
        """
        if not self._is_loaded:
            self._load_again()
        calls = [tuple(vars(each.call).values()) for each in requests]
        answers, is_start = _Answers(requests), self._is_cold
        seconds = self.limits.seconds * (_TIMES_TO_START if is_start else 1.0)
        try:
            self._ask("serve", calls, seconds, answers.most, answers.read, is_start)
        except _Stopped as stopped:
            replies, had = answers.before_the_last, answers.seconds_of_the_last
            had_time = had >= _SHARE_OF_ONE * self.limits.seconds
            raise Ended(stopped.fault, answers.told, replies, had_time) from None
        self._is_cold = False
        return answers.left.on(answers.replies)

    def steps(self, request: Request) -> list[Step] | None:
        """The steps of a call that NumPy computes; None where they are not seen.

        Raises
        ------
        Ended
            As `serve`.
        ValueError
            If the implementation does not take arrays that record.
        """
        if not self._is_loaded:
            self._load_again()
        found: list[list[Step] | None | Fault] = []

        def read(answer: Answer) -> None:
            found.append(wire.steps_in(answer))

        call = tuple(vars(request.call).values())
        try:
            self._ask("trace", call, self.limits.seconds, [wire.MOST_OF_STEPS], read)
        except _Stopped as stopped:
            raise Ended(stopped.fault, "when its steps were recorded") from None
        (answer,) = found
        if isinstance(answer, Fault):
            raise ValueError(answer.message)
        return answer

    def _load_again(self) -> None:
        """What was loaded before need not be there any more, or can be loaded only once."""
        found = self.load()
        if isinstance(found, Fault):
            self.close()
            raise Ended(Fault("raised", found.message), "when it was loaded in a fresh process")

    def _ask(
        self,
        question: str,
        given: Any,
        seconds: float,
        most: Sequence[int],
        read: Callable[[Answer], None],
        is_start: bool = False,
    ) -> None:
        """Read each answer as it comes; raises `_Stopped` if not all come.

        What is start-up counts only against its own limit.
        """
        left = math.inf if is_start else self._left
        if left <= 0:
            raise _Stopped(self._all_used())
        if self._process is None:
            self._process = _begun(self.limits.memory)
        began = time.monotonic()
        try:
            with closing(self._process.ask(question, given, min(seconds, left), most)) as answers:
                for answer in answers:
                    read(answer)
                return
        except TimeoutError:
            fault = Fault("timeout", f"did not end within {seconds:g} s, and was stopped")
            if left < seconds:
                fault = self._all_used()
        except Died as died:
            fault = Fault("died", f"its process died{_cause(died.exit_code)}")
        except wire.Garbled:
            fault = Fault("died", "its process wrote into the connection by which it answers")
        except wire.Broken as broken:
            fault = Fault("died", f"its process could not go on: {broken}")
        except MemoryError:
            fault = Fault("memory", f"needs more than its limit of {self.limits.memory >> 20} MiB")
        finally:
            self._left -= 0.0 if is_start else time.monotonic() - began
        self.close()
        raise _Stopped(fault)

    def _all_used(self) -> Fault:
        return Fault("timeout", f"took more than {self.limits.total:g} s in all, and was stopped")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None = None,
        error: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        self.close()

    def waited(self) -> float:
        """Seconds that its process has waited for a processor; 0 where that is not known."""
        return self._process.waited() if self._process is not None else 0.0

    def left_behind(self) -> list[Fault]:
        """A fault where the implementation has started processes that wait for more."""
        count = self._process.left_behind() if self._process is not None else 0
        told = f"left {count} process{'es' if count > 1 else ''} behind"
        return [Fault("side_effect", told)] if count else []

    def reports(self) -> list[Fault]:
        """What is worth telling and no fault: nothing where the process has ended."""
        found: list[Left] = []
        if self._process is None:
            return []
        try:
            seconds = self.limits.seconds
            self._ask("reports", None, seconds, [wire.most()], _leaving(found))
        except _Stopped:
            return []
        return list(found[0].faults)

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.close()
        self._process, self._is_loaded = None, False


def _begun(memory: int) -> Fresh:
    try:
        return Fresh(memory)
    except OSError as error:
        raise NoProcess(
            f"no process can be started for an implementation: {error.strerror or error}"
        ) from None


def _reading(found: list[Description | Fault]) -> Callable[[Answer], None]:
    return lambda answer: found.append(wire.description_in(answer))


def _leaving(found: list[Left]) -> Callable[[Answer], None]:
    return lambda answer: found.append(wire.left_in(answer))


class _Answers:
    """The answers to calls, as they come: a reply to each, then what they left behind."""

    def __init__(self, requests: list[Request]) -> None:
        self._requests, self._since = requests, time.monotonic()
        self.replies: list[Reply] = []
        self.left = Left()

    @property
    def most(self) -> list[int]:
        """For each answer the bytes that it may have."""
        return [*map(wire.most, self._requests), wire.most()]

    def read(self, answer: Answer) -> None:
        """Take the next answer."""
        self._since = time.monotonic()
        if len(self.replies) < len(self._requests):
            request = self._requests[len(self.replies)]
            self.replies.append(wire.reply_in(answer, request))
        else:
            self.left = wire.left_in(answer)

    @property
    def before_the_last(self) -> list[Reply]:
        """The replies to the calls before the last one that was made."""
        return self.replies[: len(self._requests) - 1]

    @property
    def seconds_of_the_last(self) -> float:
        """How long the last call has been taking."""
        return time.monotonic() - self._since

    @property
    def told(self) -> str:
        """The last call that was made, in words."""
        request = self._requests[len(self.before_the_last)]
        told = f"when called with {request.x.dtype} of shape {request.x.shape}"
        names = [request.layout] if isinstance(request.layout, str) else request.layout or ()
        laid_out = dict.fromkeys(each for each in names if each != "contiguous")
        return ", layout ".join([told, *laid_out])


def _cause(exit_code: int | None) -> str:
    if exit_code is None:
        return ", or broke the connection by which it answers"
    if exit_code >= 0:
        return f": exit code {exit_code}"
    try:
        return f": {signal.Signals(-exit_code).name}"
    except ValueError:
        return f": signal {-exit_code}"
