"""Subnormal numbers that count as 0, where that is no fault: it is told all the same."""

from __future__ import annotations

import numpy as np

from softmax_harness.check.contract.elements import Judgement
from softmax_harness.judgement.outcomes import Outcome

_KIND = str(Outcome.FLUSHED_SUBNORMAL)


class Flushing:
    """Counts the results that an implementation loses by that, without having promised them."""

    def __init__(self) -> None:
        self._elements = 0
        self._worst = 0.0

    def see(self, judged: Judgement) -> None:
        """Count those of some rows that err by more than their bound."""
        flushed = judged.codes == Outcome.FLUSHED_SUBNORMAL.code
        flushed &= ~judged.is_fault
        if not flushed.any():
            return
        error = np.abs(judged.batch.ulp_error[flushed])
        error = np.where(np.isnan(error), np.inf, error)  # of what is no number
        error = error[error > judged.asked.limit_ulp[flushed]]
        self._elements += error.size
        self._worst = max(self._worst, float(error.max(initial=0.0)))

    @property
    def reported(self) -> list[tuple[str, str]]:
        """What there is to tell."""
        if not self._elements:
            return []
        size = f"up to {self._worst:.4g} ulp" if np.isfinite(self._worst) else "some no numbers"
        told = f"takes subnormal numbers for 0: {self._elements:,} results are wrong for that"
        return [(_KIND, f"{told}, {size}; it does not promise subnormals")]
