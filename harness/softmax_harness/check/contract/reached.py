"""The strictest standard of accuracy that an implementation reaches on a suite."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from softmax_harness.check.contract.judgement import Judgement
from softmax_harness.judgement.outcomes import Outcome
from softmax_harness.operations.standards import standards_of
from softmax_harness.subjects.subject import Subject


class Reached:
    """Holds everything that is judged to every standard that nothing before it has missed."""

    def __init__(self, subject: Subject) -> None:
        self._left = list(standards_of(subject.problem.operation))

    def see(self, found: Judgement) -> None:
        """Note which standards a block misses; what is no matter of accuracy misses all."""
        inaccurate = found.codes == Outcome.INACCURATE.code
        if (found.is_fault & ~inaccurate).any():
            self._left = []
        # Zeros in place of subnormal numbers are asked for apart from accuracy.
        exempt = (found.codes == Outcome.FLUSHED_SUBNORMAL.code) | found.asked.truth.fixed
        while self._left and self._misses(self._left[0], found, exempt):
            del self._left[0]

    def _misses(self, standard: str, found: Judgement, exempt: NDArray[np.bool_]) -> bool:
        return found.asked.held_to(standard).exceeds(found.batch, exempt)

    @property
    def standard(self) -> str:
        """The strictest one that no element missed; empty where there is none."""
        return self._left[0] if self._left else ""
