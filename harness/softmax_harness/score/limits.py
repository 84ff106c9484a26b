"""Limits on what a score has measured."""

from __future__ import annotations

import math
from typing import NamedTuple

from softmax_harness.judgement.outcomes import OUTCOMES, Outcome
from softmax_harness.score.judging import Score

# Of these an element has no error in ulp, or none that says how wrong it is.
_LOST = (Outcome.OVERFLOW, Outcome.NAN, Outcome.DENOMINATOR_UNDERFLOW, Outcome.WRONG_SPECIAL)


class Held(NamedTuple):
    """A score held to one limit.

    Attributes
    ----------
    metric : str
    number : float
        What the metric must not exceed.
    value : float
        What it is; NaN where nothing could be measured.
    lost : int
        Results that are lost, which no metric tells of: any limit is broken by one.
    """

    metric: str
    number: float
    value: float
    lost: int

    @property
    def holds(self) -> bool:
        """Whether the limit is kept."""
        return not self.lost and not self.value > self.number

    @property
    def told(self) -> str:
        """In words."""
        if self.holds:
            return f"{self.metric} is {self.value:.6g}, within {self.number:g}"
        if self.lost and not self.value > self.number:
            many = "1 result is" if self.lost == 1 else f"{self.lost} results are"
            return f"{many} lost, so that no limit on {self.metric} is kept"
        return f"{self.metric} is {self.value:.6g}, but at most {self.number:g} is allowed"


def held_to(scored: Score, metric: str, number: float) -> Held:
    """A score held to a limit on a metric that it has."""
    total = scored.tally
    outcomes = dict(zip(OUTCOMES, total.outcomes.tolist(), strict=True))
    lost = sum(outcomes[each] for each in _LOST)
    if metric == "not_correctly_rounded":
        value = total.elements - sum(count for each, count in outcomes.items() if each.is_nearest)
    elif metric in total.sums:
        value = total.sums[metric]
    else:
        value = getattr(total.extremes.get(metric), "value", math.nan)
    return Held(metric, number, float(value), lost)
