"""The exact results: `known` by the screen and mpmath together, `judge` by mpmath alone."""

from softmax_harness.truth.arbiter import judge
from softmax_harness.truth.tiers import SCREENS, TIERS, Known, check_screen, confirm, known
from softmax_harness.truth.truth import Truth

__all__ = ["SCREENS", "TIERS", "Known", "Truth", "check_screen", "confirm", "judge", "known"]
