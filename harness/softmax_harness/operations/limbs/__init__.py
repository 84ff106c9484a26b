"""Long rows at any precision: integers of many limbs, one NumPy array for each limb."""

from softmax_harness.operations.limbs.enclosures import enclose_values
from softmax_harness.operations.limbs.results import LongResults, long_results
from softmax_harness.operations.limbs.sums import LONG, rest_of_row

__all__ = ["LONG", "LongResults", "enclose_values", "long_results", "rest_of_row"]
