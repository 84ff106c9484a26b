"""What a verdict on accuracy is made of: all that is noted of the blocks that are judged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from softmax_harness.check.contract.accuracy import Faults, JudgedBlocks, Placing, shrunk
from softmax_harness.check.contract.bias import Bias
from softmax_harness.check.contract.cause import Cause
from softmax_harness.check.contract.finding import Finding
from softmax_harness.check.contract.flushing import Flushing
from softmax_harness.check.contract.promises import Limit, Promises
from softmax_harness.check.contract.reached import Reached
from softmax_harness.check.contract.summaries import RecipeSummaries, RecipeSummary
from softmax_harness.judgement.outcomes import Outcome
from softmax_harness.subjects.subject import Subject


class Collected:
    """Looks at all judged blocks of a subject for all that a verdict tells.

    Parameters
    ----------
    subject : Subject
    limits : sequence of Limit
        Which hold for it.
    """

    def __init__(self, subject: Subject, limits: Sequence[Limit]) -> None:
        self._subject = subject
        self._faults, self._bias, self._limits = Faults(), Bias(), Promises(limits)
        self._cells, self._reached = RecipeSummaries(), Reached(subject)
        self._cause, self._flushing = Cause(), Flushing()

    def see(self, found: JudgedBlocks) -> None:
        """Note blocks."""
        for block in found.blocks:
            for each in (self._faults, self._bias, self._limits, self._cells, self._cause):
                each.see(block)
        for whole in found.wholes:
            self._flushing.see(whole)
            self._reached.see(whole)

    def kinds(self) -> list[str]:
        """The kinds of findings so far."""
        return [*self._faults.kinds(), *self._limits.kinds()]

    @property
    def cells(self) -> tuple[RecipeSummary, ...]:
        """The numbers of each recipe."""
        return tuple(self._cells.cells())

    @property
    def reached(self) -> str:
        """The strictest standard that no element missed; empty where there is none."""
        return self._reached.standard

    @property
    def would_miss(self) -> dict[str, int]:
        """By the standard of the careful form, how many elements miss it: as of `Reached`."""
        return self._reached.would_miss

    @property
    def cause(self) -> str:
        """What all that is wrong may come of; empty where none can be told."""
        return self._cause.text

    @property
    def reported(self) -> list[tuple[str, str]]:
        """What is told and no fault."""
        return self._flushing.reported

    def findings(self, placed: Placing = shrunk) -> Iterator[Finding]:
        """One finding for each kind of fault, each bias and each broken limit.

        For `placed` see `Faults.findings`.
        """
        if self._cause.is_unwritten:
            self._faults.forget(Outcome.OVERFLOW)
        yield from self._faults.findings(self._subject, placed)
        yield from self._bias.findings(self._subject)
        yield from self._limits.findings(self._subject)
