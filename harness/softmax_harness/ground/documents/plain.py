"""Plain text, for a terminal or the log of a CI job."""

from __future__ import annotations

from collections.abc import Iterable, Mapping


def note_lines(notes: Iterable[str]) -> list[str]:
    """A line for each note."""
    return [f"note: {note}" for note in notes]


def counted(counts: Mapping[str, int]) -> str:
    """How many there are of each, such as ``1 worse, 0 better``."""
    return ", ".join(f"{count} {name}" for name, count in counts.items())
