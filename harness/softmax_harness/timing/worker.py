"""A process that times benchmarks in the environment of one revision."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from softmax_harness.ground.errors import HarnessError

_RUNNER = Path(__file__).with_name("runner.py")
SECONDS = 120.0


@dataclass(frozen=True)
class Side:
    """What the processes of a worker time: one revision, or what this Python has.

    Attributes
    ----------
    label : str
        Such as ``BASE 1a2b3c4d``.
    python : Path
        The Python of its environment.
    benchmarks : Path
        asv's folder of benchmarks, the same for both revisions.
    variables : mapping
        What is set in the environment of its processes.
    """

    label: str
    python: Path
    benchmarks: Path
    variables: Mapping[str, str] = field(default_factory=dict)


class Worker:
    """One process for the benchmarks of a side, started anew where a benchmark has ended it.

    Parameters
    ----------
    side : Side
        What it runs.
    seconds : float
        After which a benchmark is given up.
    """

    def __init__(self, side: Side, seconds: float = SECONDS) -> None:
        self._side = side
        self._seconds = seconds
        self._process: subprocess.Popen[str] | None = None
        self._late: threading.Timer | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._late is not None:
            self._late.cancel()
        if self._process is not None:
            _end(self._process)
            self._errors.close()

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """The runner's answer, see `softmax_harness.timing.runner`; a death is an error."""
        self.send(request)
        return self.receive()

    def send(self, request: dict[str, Any]) -> None:
        """Let it begin, so that others can begin beside it; `receive` waits for the answer."""
        process = self._started()
        assert process.stdin is not None
        self._late = threading.Timer(self._seconds, process.kill)
        self._late.daemon = True  # if a signal comes before it can be cancelled, nobody waits
        self._late.start()
        with suppress(OSError):  # the pipe is broken: the process is gone, as `receive` will see
            process.stdin.write(json.dumps(request) + "\n")
            process.stdin.flush()

    def receive(self) -> dict[str, Any]:
        """The answer to what was sent last, as `ask` gives it."""
        process = self._started()
        assert process.stdout is not None and self._late is not None
        line = process.stdout.readline()
        in_time = self._late.is_alive()
        self._late.cancel()
        if line.endswith("\n"):
            answer: dict[str, Any] = json.loads(line)
            return answer
        _end(process)
        self._process = None
        self._errors.seek(0)
        said = self._errors.read().strip().splitlines()[-1:]
        self._errors.close()
        if not in_time:
            return {"error": f"took longer than {self._seconds:g} s"}
        return {"error": ": ".join([f"its process ended with {process.returncode}", *said])}

    def listed(self) -> list[dict[str, Any]]:
        """The benchmarks that this side's environment can import.

        Raises
        ------
        HarnessError
            Where it cannot import them.
        """
        answer = self.ask({"list": True})
        if "benchmarks" not in answer:
            error = str(answer["error"])
            advice = ""
            if error.startswith(ModuleNotFoundError.__name__):
                advice = "; name what the benchmarks import in matrix.req of asv.conf.json"
            raise HarnessError(
                f"{self._side.benchmarks} cannot be imported for {self._side.label}: "
                f"{error}{advice}"
            )
        benchmarks: list[dict[str, Any]] = answer["benchmarks"]
        return benchmarks

    def _started(self) -> subprocess.Popen[str]:
        if self._process is None:
            self._errors = tempfile.TemporaryFile(  # noqa: SIM115 - closed when the process is
                "w+", encoding="utf-8", errors="replace"
            )
            self._process = subprocess.Popen(
                # -P: the runner's own folder is no place to import from.
                [self._side.python, "-P", _RUNNER, self._side.benchmarks],
                start_new_session=hasattr(os, "killpg"),  # with all that a kernel starts
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                text=True,
                encoding="utf-8",
                # The order of sets and dicts of strings, and with it the time, else differs
                # from process to process.
                env=os.environ | {"PYTHONHASHSEED": "0"} | dict(self._side.variables),
            )
        return self._process


def _end(process: subprocess.Popen[str]) -> None:
    """End it, and what it has started."""
    process.kill()
    if hasattr(os, "killpg"):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
