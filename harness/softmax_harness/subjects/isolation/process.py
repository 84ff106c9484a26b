"""An isolated process for one implementation; it ends if the implementation breaks a limit."""

from __future__ import annotations

import math
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Any, Self, TypeVar

from softmax_harness.ground.errors import HarnessError
from softmax_harness.subjects.isolation import child, plain
from softmax_harness.subjects.isolation.fresh import Died, Fresh
from softmax_harness.subjects.request import Description, Fault, Reply, Request

_Given = TypeVar("_Given")
_Found = TypeVar("_Found")

_TIMES_TO_LOAD = 3.0  # a large library takes its time


@dataclass(frozen=True)
class Limits:
    """What an implementation may use.

    Attributes
    ----------
    seconds : float
        For what is asked of it at once, some hundred thousand elements at most; loading it may
        take three times as long.
    memory : int
        Bytes.
    total : float
        Seconds for all that is asked of it until they are renewed: what is just within the other
        limit, again and again, adds up to hours.
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
    """

    def __init__(self, fault: Fault, told: str) -> None:
        super().__init__(fault.message)
        self.fault, self.told = fault, told


class NoProcess(HarnessError):
    """The system starts no process."""


class Isolated:
    """One implementation in a process of its own; a context manager that ends it.

    It is loaded with the first thing that is asked of it, and anew in a fresh process after one
    that ended.
    """

    def __init__(self, name: str, limits: Limits) -> None:
        self.name, self.limits = name, limits
        self._process: Fresh | None = None
        self._is_loaded = False
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
        seconds = _TIMES_TO_LOAD * self.limits.seconds
        found = self._asked(child.load, self.name, seconds, plain.most([]), plain.description_in)
        self._is_loaded = True
        return found

    def serve(self, requests: list[Request]) -> list[Reply]:
        """Make the calls one after another, within the limits.

        Raises
        ------
        Ended
            If the process died or was ended, or a fresh one could not load the implementation.
        """
        if not self._is_loaded:
            self._load_again()
        most = plain.most(requests)
        read = partial(plain.replies_in, requests=requests)
        return self._asked(child.serve, requests, self.limits.seconds, most, read)

    def _load_again(self) -> None:
        """What was loaded before need not be there any more, or can be loaded only once."""
        found = self.load()
        if isinstance(found, Fault):
            self.close()
            raise Ended(Fault("raised", found.message), "when it was loaded in a fresh process")

    def _asked(
        self,
        function: Callable[[_Given], Any],
        given: _Given,
        seconds: float,
        most: int,
        read: Callable[[bytes], _Found],
    ) -> _Found:
        if self._left <= 0:
            raise Ended(self._all_used(), "")
        if self._process is None:
            self._process = _begun(self.limits.memory)
        began, left = time.monotonic(), self._left
        try:
            return read(self._process.ask(function, given, min(seconds, left), most))
        except TimeoutError:
            fault = Fault("timeout", f"did not end within {seconds:g} s, and was stopped")
            if left < seconds:
                fault = self._all_used()
        except Died as died:
            fault = Fault("died", f"its process died{_cause(died.exit_code)}")
        except plain.Garbled:
            fault = Fault("died", "its process wrote into the connection by which it answers")
        except plain.Broken as broken:
            fault = Fault("died", f"its process could not go on: {broken}")
        except MemoryError:
            fault = Fault("memory", f"needs more than its limit of {self.limits.memory >> 20} MiB")
        finally:
            self._left -= time.monotonic() - began
        self.close()
        raise Ended(fault, _told(given))

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

    def left_behind(self) -> list[Fault]:
        """A fault where the implementation has started processes that wait for more."""
        count = self._process.left_behind() if self._process is not None else 0
        told = f"left {count} process{'es' if count > 1 else ''} behind"
        return [Fault("side_effect", told)] if count else []

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


def _told(given: Any) -> str:
    if isinstance(given, str):
        return "when it was loaded"
    shapes = dict.fromkeys(f"{each.x.dtype} of shape {each.x.shape}" for each in given)
    first = ", ".join(list(shapes)[:3])
    return f"when called with {first}{' and others' if len(shapes) > 3 else ''}"


def _cause(exit_code: int | None) -> str:
    if exit_code is None:
        return ", or broke the connection by which it answers"
    if exit_code >= 0:
        return f": exit code {exit_code}"
    try:
        return f": {signal.Signals(-exit_code).name}"
    except ValueError:
        return f": signal {-exit_code}"
