"""An isolated process with all processes that it starts, which end with it."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

_PR_SET_CHILD_SUBREAPER = 36
_SECONDS_BETWEEN_LOOKS = 0.005
# It ends by itself with the process whose resources it tracks.
_TRACKER = b"multiprocessing.resource_tracker"


def lead() -> None:
    """Let the processes that this one starts belong to it, and no signal of a terminal reach it."""
    if hasattr(os, "setsid"):
        with suppress(PermissionError):  # it leads a group already
            os.setsid()


def adopt() -> None:
    """Become the parent of what processes below this one leave behind; Linux alone knows that."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)


def end(leader: int) -> None:
    """End all processes of a group whose leader nobody has waited for yet."""
    if sys.platform != "win32":
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(leader, signal.SIGKILL)


def end_children() -> None:
    """End what is below this process, which has adopted what was left behind."""
    while pids := started_by(os.getpid()):
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        _reap()
        time.sleep(_SECONDS_BETWEEN_LOOKS)
    _reap()


def _reap() -> None:
    """Leave nothing of the children that have ended."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def left_behind(leader: int) -> int:
    """How many processes a process has started that are still there; on Linux alone."""
    return sum(not _is_tracker(pid) for pid in started_by(leader))


def started_by(leader: int) -> set[int]:
    """The processes below a process or of its session that are alive, as far as the system tells.

    A process that its parent has left is known by its session.
    """
    parents = _parents()
    found: set[int] = set()
    while True:
        more = {
            pid
            for pid, (parent, session) in parents.items()
            if pid not in found and (session == leader or parent in found | {leader})
        } - {leader}
        if not more:
            return found
        found |= more


def _parents() -> dict[int, tuple[int, int]]:
    """Parent and session of each process, but for those that have ended."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, ValueError, IndexError):
            state, parent, _, session = _stat(folder)
            if state not in "ZX":
                found[int(folder.name)] = int(parent), int(session)
    return found


def _stat(folder: Path) -> list[str]:
    """State, parent, group and session; the name before them may hold anything."""
    text = (folder / "stat").read_text(encoding="utf-8", errors="replace")
    return text.rpartition(")")[2].split()[:4]


def _is_tracker(pid: int) -> bool:
    with suppress(OSError):
        return _TRACKER in Path(f"/proc/{pid}/cmdline").read_bytes()
    return False
