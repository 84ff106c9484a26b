"""What the docstring of a kernel says of it: ``Found as: batch, axis.`` on a line of its own."""

from __future__ import annotations

import re


def listed(label: str, docstring: str | None) -> tuple[str, ...]:
    """The words after ``label:``; none where the label is not there."""
    found = re.search(rf"{label}: ([\w, -]+)", docstring or "")
    return tuple(found[1].split(", ")) if found else ()
