"""The contract suite: tests any named implementation for everything that a softmax must do."""

from softmax_harness.check.contract.checked import checked
from softmax_harness.check.contract.finding import Finding
from softmax_harness.check.contract.verdict import PARTS, Checked, Contract

__all__ = ["PARTS", "Checked", "Contract", "Finding", "checked"]
