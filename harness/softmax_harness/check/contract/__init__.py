"""The contract suite: what every softmax owes, asked of any implementation that has a name."""

from softmax_harness.check.contract.checked import PARTS, Checked, Contract, checked
from softmax_harness.check.contract.finding import Finding

__all__ = ["PARTS", "Checked", "Contract", "Finding", "checked"]
