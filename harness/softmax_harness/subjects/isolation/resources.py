"""Limits a process from within: memory, size of files; the process ends with its parent."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

MOST_WRITTEN = 64 << 20  # bytes of a file; a flood of output ends there in an error to its writer
_PR_SET_PDEATHSIG = 1


def impose(memory: int) -> None:
    """Limit this process to `memory` bytes; where the system knows no such limits, to nothing."""
    if sys.platform == "win32":
        return
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (MOST_WRITTEN, MOST_WRITTEN))
    # Linux counts what is writable under DATA; address space alone is reserved freely by many.
    kind = resource.RLIMIT_DATA if sys.platform == "linux" else resource.RLIMIT_AS
    resource.setrlimit(kind, (memory, memory))
    if sys.platform == "linux":
        parent = os.getppid()
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died in between
            os._exit(1)
