"""The contract suite: tests any named implementation for everything that a softmax must do."""

from softmax_harness.check.contract.checked import PARTS, Checked, Contract
from softmax_harness.check.contract.checking import checked
from softmax_harness.check.contract.finding import Finding

__all__ = ["PARTS", "Checked", "Contract", "Finding", "checked"]
