"""One unit of the survey: all that a library offers of one operation, in one format.

The truth of each block of inputs is made once, for all implementations and all ways to call them.
Each printed maximum is mpmath's, as in a run.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from softmax_implementations import Implementation

from softmax_harness.ground.formats import Format
from softmax_harness.inputs.families import Recipe
from softmax_harness.judgement.aggregate import Tally, kept_for_percentile
from softmax_harness.judgement.maxima import Answered, confirmed_maxima
from softmax_harness.judgement.measure import Answer, classified, measured
from softmax_harness.judgement.question import Question, question
from softmax_harness.operations import Inputs, Operation, Problem
from softmax_harness.operations.standards import standards_of
from softmax_harness.run.sweep import Cell
from softmax_harness.run.tables import results_row
from softmax_harness.studies.survey.callers import subject_of
from softmax_harness.studies.survey.planned import SEED, recipes
from softmax_harness.studies.survey.ways import PLAIN, in_a_way, ways_of
from softmax_harness.subjects.request import Fault, Reply
from softmax_harness.subjects.subject import Subject, as_it_answers

# A row longer than this is asked of an implementation only if an eighth of it takes no longer than
# so many seconds: one library's time grows as the square of the length, to a minute a row.
_LONG, _SHARE, _SECONDS = 1 << 15, 8, 0.5
# Of logarithms and the like: how many elements are beyond each, in columns of their own.
_TWO_COLUMNS = ("usual", "relative")


@dataclass(frozen=True)
class Variant:
    """An implementation called in a way.

    Attributes
    ----------
    implementation, way : str
    subject : Subject
    """

    implementation: str
    way: str
    subject: Subject

    @property
    def name(self) -> str:
        """Under which it is counted within a unit."""
        return f"{self.implementation}, {self.way}" if self.way else self.implementation


def variants(
    operation: Operation, format: Format, found: list[Implementation], plain_only: bool
) -> list[Variant]:
    """Every implementation in every way, in order."""
    made = []
    for each in found:
        subject = as_it_answers(subject_of(each, operation, format))
        ways = (PLAIN, *(() if plain_only else ways_of(operation)))
        made += [Variant(each.name, way, in_a_way(subject, way)) for way in ways]
    return made


def surveyed(
    operation: Operation, format: Format, asked: list[Variant], everywhere: bool
) -> Iterator[dict[str, Any]]:
    """A row for each variant on each recipe.

    Parameters
    ----------
    everywhere : bool
        Whether the inputs of every setting are enough.
    """
    common = {each.family.name: each.n for each in recipes(operation, format, True)}
    for recipe in recipes(operation, format, everywhere):
        is_common = common.get(recipe.family.name) == recipe.n
        chosen = [each for each in asked if each.way == PLAIN or is_common]
        for row in _on_recipe(recipe, chosen):
            yield row if is_common else row | {"bits": ""}  # nothing to hold them against


def _on_recipe(recipe: Recipe, asked: list[Variant]) -> Iterator[dict[str, Any]]:
    """The rows of one recipe, problem by problem: output formats may differ."""
    for problem in dict.fromkeys(each.subject.problem for each in asked):
        own = {each.name: each for each in asked if each.subject.problem == problem}
        yield from _OnRecipe(problem, recipe, own).rows()


class _OnRecipe:
    """Variants on one recipe, block by block."""

    def __init__(self, problem: Problem, recipe: Recipe, asked: dict[str, Variant]) -> None:
        self._problem, self._recipe, self._asked = problem, recipe, asked
        self._tallies: dict[str, Tally] = {}
        self._faults: dict[str, list[str]] = {name: [] for name in asked}
        self._bits: dict[str, list[str]] = {name: [] for name in asked}
        self._beyond: dict[str, dict[str, int]] = {name: {} for name in asked}

    def rows(self) -> Iterator[dict[str, Any]]:
        """A row of results.csv for each, with what the survey adds."""
        answered = [self._block(start) for start in self._recipe.starts]
        exact, _ = confirmed_maxima(
            self._problem, self._recipe, self._tallies, answered, _no_more_calls
        )
        for name, variant in self._asked.items():
            cell = Cell(self._problem, variant.implementation, self._recipe, exact[name], None, ())
            yield results_row(cell) | {
                "way": variant.way,
                "standard": variant.subject.standard,
                "faults": "; ".join(dict.fromkeys(self._faults[name])),
                "bits": " ".join(self._bits[name]),
                **{f"beyond_{key}": value for key, value in self._beyond[name].items()},
            }

    def _block(self, start: int) -> Answered:
        operation = self._problem.operation
        stored = self._recipe.block(start)
        operands = operation.make_operands(stored, self._recipe.random_operands(start))
        asked = question(self._problem, stored, operands)
        outputs = {}
        for name, variant in self._asked.items():
            reply = _too_slow(variant.subject, stored) or variant.subject.call(stored, operands)
            answer = _answer(reply, asked)
            self._add(name, variant, asked, answer)
            self._bits[name] += _bits_by_row(reply, len(stored))
            self._faults[name] += answer.messages
            outputs[name] = answer.y
        return Answered(start, asked, outputs)

    def _add(self, name: str, variant: Variant, asked: Question, answer: Answer) -> None:
        keep = kept_for_percentile(self._recipe.rows * asked.truth.rounded.shape[-1])
        before = self._tallies.get(name)
        so_far = before.so_far if before else {}
        tally = measured(variant.subject, asked, answer, keep, so_far=so_far).tally
        self._tallies[name] = before.add(tally, keep) if before else tally
        for standard in _TWO_COLUMNS:
            if answer.y is not None and standard in standards_of(asked.operation):
                number = _beyond(asked.held_to(standard), answer.y)
                sums = self._beyond[name]
                sums[standard] = sums.get(standard, 0) + number


def _beyond(asked: Question, y: Any) -> int:
    batch, _ = classified(asked, y)
    return asked.exceeding(batch, asked.truth.fixed)


def _too_slow(subject: Subject, stored: NDArray[Any]) -> Reply | None:
    """The reply in place of a call that would take too long; None where it would not."""
    n = stored.shape[-1]
    if n <= _LONG:
        return None
    short = stored[:, : n // _SHARE]
    operands = subject.problem.operation.make_operands(short, np.random.default_rng(SEED))
    took = []
    for _ in range(2):  # the first may compile
        begun = time.monotonic()
        subject.call(short, operands)
        took.append(time.monotonic() - begun)
    if min(took) <= _SECONDS:
        return None
    told = f"not asked: {n // _SHARE} of the {n} logits took {min(took):.1f} s"
    return Reply(None, (Fault("slow", told),))


def _no_more_calls(name: str, start: int, inputs: Inputs) -> None:
    raise AssertionError("every block was answered")


def _answer(reply: Reply, asked: Question) -> Answer:
    y = reply.values
    return Answer(None if y is None else y.reshape(asked.truth.rounded.shape), reply.messages)


def _bits_by_row(reply: Reply, rows: int) -> list[str]:
    """A check sum of the bits of each row's results; every NaN counts as one."""
    if reply.y is None:
        return ["-"] * rows
    by_row = np.ascontiguousarray(reply.y).reshape(rows, -1)
    plain = np.where(np.isnan(by_row), by_row.dtype.type(np.nan), by_row)
    return [f"{zlib.crc32(each.tobytes()):08x}" for each in plain]
