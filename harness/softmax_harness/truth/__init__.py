"""The exact results: `exact_results` by the screen and mpmath together, `arbitrate` by mpmath alone."""

from softmax_harness.truth.arbiter import arbitrate
from softmax_harness.truth.tiers import (
    SCREENS,
    TIERS,
    ExactResults,
    check_screen,
    confirm,
    exact_results,
)
from softmax_harness.truth.truth import Truth

__all__ = [
    "SCREENS",
    "TIERS",
    "ExactResults",
    "Truth",
    "arbitrate",
    "check_screen",
    "confirm",
    "exact_results",
]
