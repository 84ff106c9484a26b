"""The fewest and roundest numbers that still show what a search found."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from softmax_harness.check.contract.shrink import Search, reduced
from softmax_harness.operations import Inputs
from softmax_harness.studies.search.judged import judged
from softmax_harness.subjects.subject import Subject

KEPT = 0.9  # of the error: what is less is no more the same


class _StillBad(Search):
    """Rows that err by at least so many ulp, or in which a result is broken."""

    def __init__(self, subject: Subject, least: float | None) -> None:
        super().__init__(subject, "")
        self._least = least

    def is_shown(self, row: Inputs, y: NDArray[Any]) -> bool:
        """Whether the row is as bad when it is computed alone."""
        found = judged(self.subject, row)
        if self._least is None:
            return bool(found.is_broken[0])
        return bool(found.error[0] >= self._least)


def shrunk(subject: Subject, row: Inputs, least: float | None) -> Inputs:
    """The smallest row found that errs by at least so many ulp, or for None is broken."""
    return reduced(_StillBad(subject, least), row) or row
