"""The screen: softmax enclosed in plain NumPy, a thousand times as fast as mpmath, with a proved bound."""

from softmax_harness.operations.screen.batch import LONGEST_ROW, Screened, screen

__all__ = ["LONGEST_ROW", "Screened", "screen"]
