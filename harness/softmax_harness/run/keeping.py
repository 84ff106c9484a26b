"""An executor that keeps what is finished, and does nothing twice."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any

from softmax_harness.ground.kept import Kept
from softmax_harness.ground.plain_values import encoded
from softmax_harness.run.job import Job


class Keeping(Executor):
    """Gives jobs to another executor unless their results are kept, and keeps the results.

    Parameters
    ----------
    inner : Executor
    kept : Kept
    identity : str
        What decides results besides the jobs: `softmax_harness.run.identity.identity`.

    Attributes
    ----------
    known, fresh : int
        How many jobs were found finished, and how many were given on.
    """

    def __init__(self, inner: Executor, kept: Kept, identity: str) -> None:
        self._inner, self._kept, self._identity = inner, kept, identity
        self.known = self.fresh = 0

    def submit(self, function: Callable[..., Any], /, *given: Any, **named: Any) -> Future[Any]:
        """The result of ``function(job)``, kept or to come."""
        (job,) = given
        assert not named, "a kept unit is a function of one job"
        key = self._key(function, job)
        kept = self._kept.found(key)
        if kept is not None:
            self.known += 1
            future: Future[Any] = Future()
            future.set_result(kept)
            return future
        self.fresh += 1
        return _kept_when_done(self._inner.submit(function, job), self._kept, key)

    def _key(self, function: Callable[..., Any], job: Job[Any]) -> str:
        text = f"{self._identity} {function.__qualname__} {encoded(job)}"
        return hashlib.sha256(text.encode()).hexdigest()


def _kept_when_done(inner: Future[Any], kept: Kept, key: str) -> Future[Any]:
    """A future that is done once the result of another is kept."""
    outer: Future[Any] = Future()

    def done(finished: Future[Any]) -> None:
        try:
            result = finished.result()
            kept.keep(key, result)
        except BaseException as error:  # noqa: BLE001 - whoever waits for the result gets it
            outer.set_exception(error)
        else:
            outer.set_result(result)

    inner.add_done_callback(done)
    return outer
