"""Speed, by asv: what it runs, and its results as tables."""

from softmax_harness.timing.names import declared_names
from softmax_harness.timing.suite import suite
from softmax_harness.timing.tables import read_history, read_timings

__all__ = ["declared_names", "read_history", "read_timings", "suite"]
