"""The screen encloses results in plain NumPy, with a proved bound, far faster than mpmath."""

from softmax_harness.operations.screen.batch import (
    LONGEST_ROW,
    Screened,
    screen,
    screen_masked,
    screen_quotients,
)
from softmax_harness.operations.screen.gradients import cross_entropy_gradient
from softmax_harness.operations.screen.logs import cross_entropy, log_softmax, logsumexp
from softmax_harness.operations.screen.moments import gradient
from softmax_harness.operations.screen.smoothing import label_smoothing
from softmax_harness.operations.screen.weighted import logsumexp_weighted

__all__ = [
    "LONGEST_ROW",
    "Screened",
    "cross_entropy",
    "cross_entropy_gradient",
    "gradient",
    "label_smoothing",
    "log_softmax",
    "logsumexp",
    "logsumexp_weighted",
    "screen",
    "screen_masked",
    "screen_quotients",
]
