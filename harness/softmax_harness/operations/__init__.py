"""The mathematical operations that can be judged, one file each."""

from softmax_harness.operations import softmax
from softmax_harness.operations.operation import Enclosure, Operation, Policy

OPERATIONS: dict[str, Operation] = {softmax.SOFTMAX.name: softmax.SOFTMAX}

__all__ = ["OPERATIONS", "Enclosure", "Operation", "Policy"]
