"""Everything that can be measured by name: the registered implementations and `exact`."""

from __future__ import annotations

from softmax_implementations import Implementation, implementations

from softmax_harness.errors import unknown
from softmax_harness.exact import EXACT


def catalogue() -> dict[str, Implementation]:
    """Every implementation by name, in alphabetical order."""
    return dict(sorted({**implementations(), EXACT.name: EXACT}.items()))


def implementation_named(name: str) -> Implementation:
    """The implementation of that name; `UnknownName` with the nearest one otherwise."""
    known = catalogue()
    if name not in known:
        raise unknown("implementation", name, known)
    return known[name]
