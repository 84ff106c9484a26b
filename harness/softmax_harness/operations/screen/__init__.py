"""The screen encloses softmax in plain NumPy, with a proved bound, far faster than mpmath."""

from softmax_harness.operations.screen.batch import LONGEST_ROW, Screened, screen

__all__ = ["LONGEST_ROW", "Screened", "screen"]
