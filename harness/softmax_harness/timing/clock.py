"""A clock for benchmarks, which stands still while its thread waits for a core.

Where processes share cores, a call of some milliseconds always contains turns of others. They are
no part of its time, and no number of samples leads past them.
"""

from __future__ import annotations

import os
import threading
import time
from functools import lru_cache


def seconds() -> float:
    """Wall time less the waiting of this thread for a core, which Linux counts; else wall time."""
    counter = _counter(os.getpid(), threading.get_ident())
    waited = _waited(counter)
    while True:
        now = time.perf_counter()
        before, waited = waited, _waited(counter)
        # A wait between the two readings would be in one of them only, and a time might come out
        # negative: the least of many samples would be that one.
        if waited == before:
            return now - waited


@lru_cache(maxsize=1)
def _counter(process: int, thread: int) -> int | None:
    """The open file in which the system counts for this thread: another one after a fork."""
    try:
        return os.open("/proc/thread-self/schedstat", os.O_RDONLY)
    except OSError:
        return None


def _waited(counter: int | None) -> float:
    if counter is None:
        return 0.0
    # Nanoseconds on a core, nanoseconds ready to run without one, turns: sched-stats.rst of Linux.
    return int(os.pread(counter, 64, 0).split()[1]) * 1e-9
