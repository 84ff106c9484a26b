"""Which standards of accuracy an implementation reaches on a suite, and by how much it misses."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from softmax_harness.check.contract.elements import Judgement
from softmax_harness.judgement.outcomes import Outcome
from softmax_harness.operations.standards import careful_standard, told_apart
from softmax_harness.subjects.subject import Subject


class Reached:
    """Holds everything that is judged to every standard that nothing before it has missed.

    Attributes
    ----------
    would_miss : dict of str to int
        By the standard of the careful form, how many elements miss it, where an implementation is
        held to one that allows the textbook form.
    """

    def __init__(self, subject: Subject) -> None:
        operation = subject.problem.operation
        self._left = list(told_apart(operation, subject.problem.output_format))
        careful = careful_standard(operation, subject.standard)
        self.would_miss = {} if careful is None else {careful: 0}

    def see(self, found: Judgement) -> None:
        """Note which standards a block misses; what is no matter of accuracy misses all."""
        if found.has_fault.any():
            inaccurate = found.codes == Outcome.INACCURATE.code
            if (found.is_fault & ~inaccurate).any():
                self._left = []
        if not self._left and not self.would_miss:
            return
        # Zeros in place of subnormal numbers are asked for apart from accuracy.
        exempt = (found.codes == Outcome.FLUSHED_SUBNORMAL.code) | found.asked.truth.fixed
        while self._left and self._misses(self._left[0], found, exempt):
            del self._left[0]
        for standard in self.would_miss:
            asked = found.asked.held_to(standard)
            self.would_miss[standard] += asked.exceeding(found.batch, exempt)

    def _misses(self, standard: str, found: Judgement, exempt: NDArray[np.bool_]) -> bool:
        return found.asked.held_to(standard).exceeds(found.batch, exempt)

    @property
    def standard(self) -> str:
        """The strictest one that no element missed; empty where there is none."""
        return self._left[0] if self._left else ""
