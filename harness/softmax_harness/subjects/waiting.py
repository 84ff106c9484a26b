"""How long something has waited for a processor, because others ran just then."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol, runtime_checkable

_NANOSECOND = 1e-9


@runtime_checkable
class Waiting(Protocol):
    """What makes calls elsewhere, and knows how long they had to wait."""

    def waited(self) -> float:
        """Seconds that its calls have waited for a processor so far."""


def waited(process: int | None = None) -> float:
    """Seconds that the first thread of a process, or this thread, has waited for a processor.

    0 where the system does not tell: it does on Linux, in the second number of ``schedstat``.
    """
    whose = "thread-self" if process is None else str(process)
    try:
        text = Path(f"/proc/{whose}/schedstat").read_text(encoding="ascii")
        return int(text.split()[1]) * _NANOSECOND
    except (OSError, IndexError, ValueError):
        return 0.0
