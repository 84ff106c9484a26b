"""Speed, by asv: what it runs, and its results as tables.

`softmax_harness.timing.calls` stands apart: it knows the implementations, which the environments
that asv builds do not have.
"""

from softmax_harness.timing.built import built_file
from softmax_harness.timing.names import declared_names
from softmax_harness.timing.suite import suite
from softmax_harness.timing.tables import read_history, read_timings

__all__ = ["built_file", "declared_names", "read_history", "read_timings", "suite"]
