"""All that can be measured without being named: registered implementations and `exact`."""

from __future__ import annotations

from softmax_implementations import Implementation, implementations

from softmax_harness.operations import DEFAULT_OPERATION
from softmax_harness.subjects.declaration import spelt_out
from softmax_harness.subjects.exact import exact_of


def catalogue(operation: str = DEFAULT_OPERATION) -> dict[str, Implementation]:
    """Every implementation of an operation by name, in alphabetical order."""
    found = [*implementations(operation).values(), exact_of(operation)]
    return dict(sorted((each.name, spelt_out(each)) for each in found))
