"""Foreign code in a process of its own, with limits of time and memory: accidents, not malice."""

from softmax_harness.subjects.isolation.environment import blame
from softmax_harness.subjects.isolation.process import Ended, Isolated, Limits
from softmax_harness.subjects.request import Description, Fault, Reply, Request

__all__ = ["Description", "Ended", "Fault", "Isolated", "Limits", "Reply", "Request", "blame"]
