"""The exact results: `exact_results` by screen and mpmath, `arbitrate` by mpmath alone."""

from softmax_harness.operations.truth import Truth
from softmax_harness.truth.arbiter import arbitrate
from softmax_harness.truth.long_rows import LongRow, error_ulp_of, is_long
from softmax_harness.truth.remembered import remember, remembered
from softmax_harness.truth.tiers import (
    TIERS,
    ExactResults,
    are_same,
    check_screen,
    check_screened,
    confirm,
    exact_results,
)

__all__ = [
    "TIERS",
    "ExactResults",
    "LongRow",
    "Truth",
    "arbitrate",
    "are_same",
    "check_screen",
    "check_screened",
    "confirm",
    "exact_results",
    "error_ulp_of",
    "is_long",
    "remember",
    "remembered",
]
