"""The final result of a check: results held against a baseline and waivers, and notes."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

from softmax_harness.check.contract import Checked
from softmax_harness.check.gate.baseline import Baseline
from softmax_harness.check.gate.regression import compared
from softmax_harness.check.gate.waiver import Waiver, waived


@dataclass(frozen=True)
class Gated:
    """The final result of a check.

    Attributes
    ----------
    results : list of Checked
        Regressions among their findings, waived findings not.
    notes : list of str
        On waivers, and on the baseline.
    """

    results: list[Checked]
    notes: list[str]

    @property
    def failed(self) -> bool:
        """Whether any implementation fails in any dtype."""
        return any(each.verdict == "fail" for each in self.results)


def held_against(
    results: list[Checked], baseline: Baseline | None, waivers: tuple[Waiver, ...], seed: int
) -> Gated:
    """The results with regressions from the baseline, and without what is waived today."""
    notes: list[str] = []
    if baseline is not None:
        found = compared(results, baseline, seed)
        results, notes = found.results, found.notes
    left = waived(results, waivers, datetime.date.today())
    return Gated(left.results, [*notes, *left.notes])
