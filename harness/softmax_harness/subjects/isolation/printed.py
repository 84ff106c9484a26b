"""Sends what a process prints to files, so that it can be read and disturbs nobody."""

from __future__ import annotations

import os
import sys
import tempfile
from contextlib import suppress

from softmax_harness.ground.text import printable

_SHOWN = 80  # bytes of the beginning that are told


class Printed:
    """Standard output and standard error of this process from now on."""

    def __init__(self) -> None:
        self._files = [_diverted(stream) for stream in (1, 2)]

    def forget(self, errors_too: bool = True) -> tuple[int, str]:
        """How many bytes were printed since the last look, and how they begin."""
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except (OSError, ValueError):  # the flood has met its limit, or the stream was closed
                continue
        output, errors = (_taken(file) for file in self._files)
        return errors if errors_too and errors[0] > output[0] else output


def _diverted(stream: int) -> int:
    descriptor = unnamed_file()
    os.dup2(descriptor, stream)
    return descriptor


def unnamed_file() -> int:
    """A file without a name, in memory where the system can: a folder for it may be missing."""
    if hasattr(os, "memfd_create"):
        with suppress(OSError):
            return os.memfd_create("printed")
    descriptor, path = tempfile.mkstemp()
    os.unlink(path)
    return descriptor


def _taken(file: int) -> tuple[int, str]:
    size = os.fstat(file).st_size
    if not size:
        return 0, ""
    first = os.pread(file, _SHOWN, 0).decode(errors="replace").splitlines()[:1]
    os.ftruncate(file, 0)
    os.lseek(file, 0, os.SEEK_SET)
    return size, printable("".join(first))
