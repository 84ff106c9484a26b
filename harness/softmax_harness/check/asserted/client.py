"""The judge's process, seen from the one in which the callable lives."""

from __future__ import annotations

import atexit
import subprocess
import sys
import threading
from collections.abc import Callable

from softmax_harness.check.asserted.messages import Assertion, Broken, Channel, Verdict
from softmax_harness.ground.errors import HarnessError
from softmax_harness.subjects.isolation import Reply, Request

Answer = Callable[[Request], Reply]


class Client:
    """Judges jobs in a process that begins with the first of them and ends with `close`.

    After a job that was broken off, by an exception that the callable may raise to end a test as
    much as by an interrupt, the next one begins another process.
    """

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    def verdict(self, assertion: Assertion, answer: Answer) -> Verdict:
        """The verdict on the callable whose calls `answer` makes.

        Raises
        ------
        HarnessError
            If the job asks for something that there is not.
        """
        with self._lock:
            try:
                found = self._exchanged(assertion, answer)
            except (EOFError, BrokenPipeError):
                self.close()
                raise RuntimeError("the judging process ended before it answered") from None
            except BaseException:
                self.close()
                raise
        if isinstance(found, Verdict):
            return found
        if isinstance(found, HarnessError):
            raise found
        raise RuntimeError(
            f"the judging process failed, which is a defect of ours:\n{found.traceback}"
        )

    def _exchanged(self, assertion: Assertion, answer: Answer) -> Verdict | HarnessError | Broken:
        channel = self._channel()
        channel.send(assertion)
        while isinstance(message := channel.receive(), list):
            channel.send([answer(request) for request in message])
        found: Verdict | HarnessError | Broken = message
        return found

    def _channel(self) -> Channel:
        if self._process is None:
            # Without the working folder in its path, so that nothing there comes in.
            words = [sys.executable, "-P", "-m", "softmax_harness.check.asserted.server"]
            self._process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        return Channel(self._process.stdout, self._process.stdin)

    def close(self) -> None:
        """End the process, which holds nothing that would be lost."""
        if self._process is None:
            return
        process, self._process = self._process, None
        process.kill()
        process.communicate()


CLIENT = Client()
atexit.register(CLIENT.close)
