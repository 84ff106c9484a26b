"""The jobs that measure: some implementations on some blocks of one recipe.

The truth of a block is made once for all implementations.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

from softmax_harness.inputs.families import Recipe
from softmax_harness.judgement.aggregate import Tally, kept_for_percentile
from softmax_harness.judgement.maxima import Answered
from softmax_harness.judgement.measure import Measurement, called, measured
from softmax_harness.judgement.question import question
from softmax_harness.operations import Problem
from softmax_harness.run.confirming import Confirmed, confirmed
from softmax_harness.run.job import NamedRecipe
from softmax_harness.subjects.declaration import Said
from softmax_harness.subjects.named import subject_named
from softmax_harness.subjects.subject import Subject, as_it_answers

_BLOCKS_PER_JOB = 16
_NOTHING = Said()


@dataclass(frozen=True)
class Counts:
    """How many elements of the inputs were judged by which tier.

    Attributes
    ----------
    screened : int
        By the screen alone.
    escalated : int
        By mpmath because the screen left them open, or because all are.
    confirmed : int
        By mpmath again, for the maxima.
    """

    screened: int = 0
    escalated: int = 0
    confirmed: int = 0

    def add(self, other: Counts) -> Counts:
        """The sum of both."""
        return Counts(
            self.screened + other.screened,
            self.escalated + other.escalated,
            self.confirmed + other.confirmed,
        )


@dataclass(frozen=True)
class Part:
    """What all implementations made of some rows of a recipe.

    Attributes
    ----------
    measured : dict of str to Measurement
        By the name of the implementation.
    counts : Counts
    is_confirmed : bool
        Whether the maxima are mpmath's already.
    """

    measured: dict[str, Measurement]
    counts: Counts
    is_confirmed: bool = False

    @property
    def tallies(self) -> dict[str, Tally]:
        """By the name of the implementation."""
        return {name: each.tally for name, each in self.measured.items()}

    def add(self, other: Part, rows: int) -> Part:
        """This part and `other`, whose rows come after; in all so many rows will be added up."""
        keep = max(each.kept_of(rows) for each in self.tallies.values())
        both = {
            name: _added(each, other.measured[name], keep) for name, each in self.measured.items()
        }
        return Part(both, self.counts.add(other.counts))

    def with_maxima(self, confirmed: Confirmed) -> Part:
        """This part with its maxima by mpmath; the rows that were near them are let go of.

        They are most of what would be sent and kept.
        """
        own = {
            name: replace(each, tally=replace(each.tally, candidates=confirmed.candidates[name]))
            for name, each in self.measured.items()
        }
        return Part(own, self.counts.add(Counts(confirmed=confirmed.elements)), True)


def _added(first: Measurement, second: Measurement, keep: int) -> Measurement:
    """Both measurements of one implementation, the rows of the second after those of the first."""
    rows, others = first.by_row, second.by_row
    return Measurement(
        first.tally.add(second.tally, keep),
        rows.add(others) if rows is not None and others is not None else None,
        tuple(dict.fromkeys((*first.faults, *second.faults))),
    )


@dataclass(frozen=True)
class Measuring:
    """A job: measure every one of some implementations on some blocks of a recipe.

    Attributes
    ----------
    problem : Problem
    inputs : NamedRecipe
    starts : tuple of int
        The first rows of the blocks that are this job's.
    implementations : tuple of str
        Names of those to measure.
    tier : str
        As in `softmax_harness.truth.exact_results`.
    said : Said
        What was said about the implementations.
    """

    problem: Problem
    inputs: NamedRecipe
    starts: tuple[int, ...]
    implementations: tuple[str, ...]
    tier: str
    said: Said = _NOTHING

    def do(self) -> Part:
        """The sum over the blocks, in order.

        Of a recipe with few results the maxima are confirmed at once, with the answers at hand.
        """
        recipe = self.inputs.recipe
        whole: Part | None = None
        answered = []
        for start in self.starts:
            part, last = self._block(recipe, start, whole)
            whole = part if whole is None else whole.add(part, recipe.rows)
            if self._confirms:
                answered.append(last)
        assert whole is not None
        if not self._confirms:
            return whole
        return whole.with_maxima(
            confirmed(self.problem, recipe, whole.tallies, answered, self.said)
        )

    @property
    def _confirms(self) -> bool:
        recipe = self.inputs.recipe
        if self.tier == "mpmath" or len(self.starts) < len(recipe.starts):
            return False
        return len(recipe.starts) == 1 or self.problem.operation.one_result

    def _block(self, recipe: Recipe, start: int, before: Part | None) -> tuple[Part, Answered]:
        operation, stored = self.problem.operation, recipe.block(start)
        operands = operation.make_operands(stored, recipe.random_operands(start))
        asked = question(self.problem, stored, operands, self.tier)
        by_row = recipe.family.grid is not None
        keep = kept_for_percentile(recipe.rows * asked.truth.rounded.shape[-1])
        found, outputs, under = {}, {}, {self.problem: asked}
        for name in self.implementations:
            so_far = before.measured[name].tally.so_far if before else {}
            subject = _subject(name, self.problem, self.said)
            own = under.get(subject.problem) or asked.under(subject.problem)
            under[subject.problem] = own
            answer = called(subject, own)
            found[name] = measured(subject, own, answer, keep, by_row, so_far)
            outputs[name] = answer.y
        escalated = int(asked.exact_results.confirmed.sum()) * recipe.n
        part = Part(found, Counts(stored.size - escalated, escalated))
        return part, Answered(start, asked, outputs)


@cache  # a job has many blocks, and a worker many jobs
def _subject(name: str, problem: Problem, said: Said) -> Subject:
    """The implementation, held to what it gives for a row that sees nothing, as in `check`."""
    return as_it_answers(subject_named(name, problem, said))


def measuring_jobs(
    problem: Problem,
    recipe: Recipe,
    implementations: tuple[str, ...],
    tier: str,
    said: Said = _NOTHING,
) -> list[Measuring]:
    """The jobs of one recipe; how it is cut does not depend on how many workers there are."""
    inputs, starts = NamedRecipe.of(recipe), tuple(recipe.starts)
    return [
        Measuring(
            problem, inputs, starts[first : first + _BLOCKS_PER_JOB], implementations, tier, said
        )
        for first in range(0, len(starts), _BLOCKS_PER_JOB)
    ]
