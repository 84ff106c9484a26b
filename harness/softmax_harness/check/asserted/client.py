"""The side of the user's process: it starts the judging process and answers its calls."""

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
    """Has assertions judged in a process that the first one starts and `close` ends.

    If an assertion is broken off, by an interrupt or by an exception of the callable that ends the
    test, the next one starts another process.
    """

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    def verdict(self, assertion: Assertion, answer: Answer) -> Verdict:
        """The verdict on the callable whose calls `answer` makes.

        Raises
        ------
        HarnessError
            If the assertion names something that does not exist.
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
        """End the judging process; nothing in it has to be kept."""
        if self._process is None:
            return
        process, self._process = self._process, None
        process.kill()
        process.communicate()


CLIENT = Client()
atexit.register(CLIENT.close)
