"""Exact values: the arbiter decides with mpmath, precision rising until nothing is open."""

from softmax_harness.truth.arbiter import judge
from softmax_harness.truth.truth import Truth

__all__ = ["Truth", "judge"]
