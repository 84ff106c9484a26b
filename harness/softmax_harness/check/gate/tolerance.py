"""By how much an error may be larger than in the baseline."""

from __future__ import annotations

import math
from typing import NamedTuple

# Errors are stored to nine digits, and come from the screen to better than that.
_SAME = 1e-6


class Tolerance(NamedTuple):
    """What may be worse: an error within either of the two is no regression.

    Attributes
    ----------
    relative : float
        Of the error in the baseline.
    ulp : float
    """

    relative: float = 0.0
    ulp: float = 0.0

    def allows(self, before: float, now: float) -> bool:
        """Whether an error may grow so."""
        return now < math.inf and now - before <= max(self.relative * before, self.ulp)


def is_less(one: float, other: float) -> bool:
    """Whether an error is less than another; an infinite one is more than any number."""
    if math.isinf(other):
        return not math.isinf(one)
    return other - one > _SAME * max(abs(one), abs(other), _SAME)
