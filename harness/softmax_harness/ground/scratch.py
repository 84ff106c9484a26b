"""Folders that are written in before a folder gets its files; what a killed process left goes."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows, where nobody can say whether a process still uses a folder
    fcntl = None  # type: ignore[assignment]

# Held by the process that uses the folder, and by no other: the system lets go of it at any end.
_LOCK = "softmax-harness.lock"
_CONTENTS = frozenset({_LOCK, "fresh", "old", "last", "git", "judge"})
_RANDOM = 8  # characters, which tempfile adds to a name


def scratch_prefix(folder: Path) -> str:
    """What the names of all scratch folders of `folder` begin with."""
    return f".{folder.name}-"


@contextmanager
def scratch_folder(folder: Path, room: Path) -> Iterator[Path]:
    """A new folder in `room` to write in for `folder`, which is gone at the end.

    Those that killed processes left for `folder`, in it or beside it, are taken away first.
    """
    for place in {room, folder.parent}:
        for left in _left(folder, place):
            _take_away(left)
    scratch = Path(tempfile.mkdtemp(prefix=scratch_prefix(folder), dir=room))
    try:
        with _held(scratch):
            yield scratch
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _left(folder: Path, place: Path) -> list[Path]:
    prefix = scratch_prefix(folder)
    try:
        there = list(place.iterdir())
    except OSError:
        return []
    return [
        path
        for path in there
        if path.name.startswith(prefix)
        and len(path.name) == len(prefix) + _RANDOM
        and path.is_dir()
        and not path.is_symlink()
    ]


def _take_away(scratch: Path) -> None:
    """Remove `scratch` if it is certainly one of ours that no process uses; else leave it."""
    with contextlib.suppress(OSError):
        names = {path.name for path in scratch.iterdir()}
        if fcntl is None or _LOCK not in names or not names <= _CONTENTS:
            return
        with (scratch / _LOCK).open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(scratch, ignore_errors=True)


@contextmanager
def _held(scratch: Path) -> Iterator[None]:
    if fcntl is None:
        yield
        return
    with (scratch / "begun").open("wb") as lock:
        with contextlib.suppress(OSError):  # a file system without locks: it is never taken away
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Only now its name, so that nobody finds it free between the two.
            os.rename(scratch / "begun", scratch / _LOCK)
        yield
