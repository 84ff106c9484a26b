"""Working in a process that others use too: nothing of theirs is relied on or changed."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from softmax_harness.ground.floating_point import default_floating_point

_ALONE = threading.RLock()


@contextmanager
def as_guest() -> Iterator[None]:
    """One thread at a time, since mpmath has one precision for all, in plain arithmetic.

    Raises
    ------
    FloatingPointEnvironment
        If a library has changed the arithmetic of this thread for good.
    """
    with _ALONE, default_floating_point():
        yield
