"""What a process prints goes to files, so that it can be looked at and disturbs nobody."""

from __future__ import annotations

import os
import sys
import tempfile

_SHOWN = 80  # bytes of the beginning that are told


class Printed:
    """Standard output and standard error of this process from now on."""

    def __init__(self) -> None:
        self._files = [_diverted(stream) for stream in (1, 2)]

    def forget(self, errors_too: bool = True) -> str:
        """What was printed since the last look: how much, and how it begins; empty if nothing."""
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except (OSError, ValueError):  # the flood has met its limit, or the stream was closed
                continue
        output, errors = (_taken(file) for file in self._files)
        return output or (errors if errors_too else "")


def _diverted(stream: int) -> int:
    descriptor, path = tempfile.mkstemp()
    os.unlink(path)
    os.dup2(descriptor, stream)
    return descriptor


def _taken(file: int) -> str:
    size = os.fstat(file).st_size
    if not size:
        return ""
    first = os.pread(file, _SHOWN, 0).decode(errors="replace").splitlines()[:1]
    os.ftruncate(file, 0)
    os.lseek(file, 0, os.SEEK_SET)
    return f"{size} bytes, beginning {first[0]!r}" if first else f"{size} bytes"
