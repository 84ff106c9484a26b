"""Everything that can be measured without being named: the registered implementations and `exact`."""

from __future__ import annotations

from softmax_implementations import Implementation, implementations

from softmax_harness.exact import EXACT


def catalogue() -> dict[str, Implementation]:
    """Every implementation by name, in alphabetical order."""
    return dict(sorted({**implementations(), EXACT.name: EXACT}.items()))
