"""What the docstring of a kernel says of it: ``Found as: batch, axis.`` on a line of its own."""

from __future__ import annotations

import re
from collections.abc import Sequence

_PART_OF = {
    "layout": "layouts",
    "axis": "axes",
    "batch": "batches",
    "empty": "shapes",
    "scalar": "shapes",
    "integers": "integers",
    "nondeterminism": "repeats",
}
"""Where a kind of finding is found in one part of the contract alone, that part."""


def listed(label: str, docstring: str | None) -> tuple[str, ...]:
    """The words after ``label:``; none where the label is not there."""
    found = re.search(rf"{label}: ([\w, -]+)", docstring or "")
    return tuple(found[1].split(", ")) if found else ()


def telling_first(parts: Sequence[str], kinds: Sequence[str]) -> tuple[str, ...]:
    """Parts of the contract, first those in which alone kinds of findings are found."""
    telling = {_PART_OF.get(kind) for kind in kinds}
    return tuple(sorted(parts, key=lambda part: part not in telling))
