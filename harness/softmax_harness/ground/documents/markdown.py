"""Markdown, for a comment, a report or a step's summary, as GitHub and GitLab show it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

_MARKS = "\\`*_|[]<>#"


def escaped(text: str) -> str:
    """Text that stays text: nothing in it is taken for HTML, a table's border or emphasis."""
    for mark in _MARKS:
        text = text.replace(mark, f"\\{mark}")
    return " ".join(text.split())


def table_lines(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """The lines of a table; its cells are plain text."""
    return [_row(header), "|" + "---|" * len(header), *(_row(row) for row in rows)]


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(map(escaped, cells))} |"


def command_lines(command: str) -> list[str]:
    """The lines of a command to copy."""
    return ["```sh", command, "```"]


def markdown_text(
    title: str,
    table: Sequence[str] = (),
    details: Iterable[Sequence[str]] = (),
    notes: Iterable[str] = (),
) -> str:
    """A document to stand in a page beside others.

    Parameters
    ----------
    title : str
        Plain text, as the heading.
    table : sequence of str
        The lines of a table below it.
    details : iterable of sequences of str
        The lines of each paragraph that follows.
    notes : iterable of str
        Plain text, quoted at the end.
    """
    lines = [f"### {title}", "", *table]
    for block in (*details, *([f"> {escaped(note)}"] for note in notes)):
        lines += ["", *block]
    return "\n".join(lines) + "\n"
