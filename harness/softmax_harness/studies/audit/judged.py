"""Softmaxes with known faults, and right ones, on given inputs: what each answers and how far off.

The inputs' exact results decide here which of them is faulty, not what their files say: a fault
that does not show on these inputs cannot be found on them by any rule.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from softmax_faults import cheats
from softmax_faults.specimen import specimens
from softmax_implementations import implementations

from softmax_harness.ground.formats import FORMATS, Format
from softmax_harness.inputs.families import Recipe
from softmax_harness.judgement.measure import classified
from softmax_harness.judgement.outcomes import OUTCOMES
from softmax_harness.judgement.question import Question, question
from softmax_harness.operations import Operation, Problem
from softmax_harness.operations.standards import standards_of
from softmax_harness.subjects.declaration import described, spelt_out
from softmax_harness.subjects.subject import Here, Subject

Array = NDArray[np.float64]

_BAD = np.array([not each.is_good for each in OUTCOMES])
# Kinds of findings in the numbers of one call; others kill, hang, print, or change their input.
_IN_NUMBERS = {*OUTCOMES, "bias", "batch", "axis", "permutation"}


@dataclass(frozen=True)
class Answer:
    """What a softmax, or a cheat, answers to the inputs of an audit.

    Attributes
    ----------
    name, summary : str
        What it is, and what it does in a line.
    y : ndarray of float64, shape (rows, m)
        Its results.
    ulp : float
        Its largest error in ulp; infinite where a result is lost.
    relative : float
        Its largest error relative to the right result, where that is a normal number.
    is_right : bool
        Whether it is known to be right, and meets the default standard of its format here.
    is_faulty : bool
        Whether a result is a fault even by the least strict standard that tells anything here. In
        formats of 16 bits one that works in the format itself can be neither.
    has_fault : bool
        Whether it has a fault, on these inputs or on others.
    """

    name: str
    summary: str
    y: Array
    ulp: float
    relative: float
    is_right: bool
    is_faulty: bool
    has_fault: bool


@dataclass(frozen=True)
class Asked:
    """The inputs of an audit, with their truth.

    Attributes
    ----------
    question : Question
    """

    question: Question

    @classmethod
    def of(cls, operation: Operation, recipe: Recipe) -> Asked:
        """All rows of a recipe, with operands made for them."""
        blocks = [recipe.inputs(operation, start) for start in recipe.starts]
        stored = np.concatenate([each.x for each in blocks])
        operands = tuple(map(np.concatenate, zip(*(each.operands for each in blocks), strict=True)))
        return cls(question(Problem.of(operation, recipe.format), stored, operands))

    @property
    def format(self) -> Format:
        """Of inputs and results."""
        return self.question.problem.output_format

    @cached_property
    def golden(self) -> Array:
        """The right results, shape (rows, m): the exact ones, rounded once to the format."""
        return self.question.truth.rounded

    def answers(self) -> Iterator[Answer]:
        """Those of every softmax and cheat that can be asked."""
        yield from self._cheats()
        for name, summary, function, has_fault in _functions(self.question.operation, self.format):
            y = self._called(function)
            if y is not None:
                yield self._answer(name, summary, y, has_fault)

    def _cheats(self) -> Iterator[Answer]:
        for name, cheat in _public(cheats).items():
            with np.errstate(all="ignore"):
                y = np.asarray(cheat(self.golden)).astype(self.format.dtype).astype(np.float64)
            yield self._answer(name, (cheat.__doc__ or "").split("\n")[0], y, True)

    def _called(self, function: Callable[..., Any]) -> Array | None:
        """The results of a function; None where it gives none of the right shape.

        In formats that NumPy does not have itself it works in float32, and is rounded once.
        """
        asked, work = self.question, self.format
        if work.package != "numpy":
            work = FORMATS["float32"]
        problem = Problem.of(asked.operation, work)
        own = [_in_format(each, self.format, work) for each in (asked.stored, *asked.operands)]
        subject = Subject(described("", None, "", asked.operation.name), problem, Here(function))
        values = subject.call(own[0], tuple(own[1:])).values
        if values is None:
            return None
        y = values.reshape(self.golden.shape)
        with np.errstate(all="ignore"):
            return y.astype(self.format.dtype).astype(np.float64)

    @cached_property
    def _loosest(self) -> Question:
        """By the least strict standard that does not let 0 everywhere pass; the last if all do.

        What works in a format of one byte itself may err by as much as all of a result.
        """
        asked, known = self.question, standards_of(self.question.operation)
        nothing = np.zeros(self.golden.shape)
        for standard in reversed(known):
            held = asked.held_to(standard)
            if _BAD[classified(held, nothing)[1]].any():
                return held
        return asked.held_to(known[-1])

    def _answer(self, name: str, summary: str, y: Array, has_fault: bool) -> Answer:
        asked, golden = self.question, self.golden
        batch, codes = classified(asked, y)
        with np.errstate(all="ignore"):
            relative = np.abs(y - golden) / np.abs(golden)
        relative[np.isnan(relative) & (np.isnan(y) != np.isnan(golden))] = np.inf
        relative[~(np.abs(golden) >= self.format.smallest_normal)] = 0.0
        return Answer(
            name,
            summary,
            y,
            _largest(np.where(asked.truth.fixed, 0.0, batch.absolute)),
            float(relative.max()),
            not (has_fault or _BAD[codes].any()),
            bool(_BAD[classified(self._loosest, y)[1]].any()),
            has_fault,
        )


def _largest(error: Array) -> float:
    return float(np.where(np.isnan(error), np.inf, error).max())


def _in_format(array: NDArray[Any], format: Format, work: Format) -> NDArray[Any]:
    return array.astype(work.dtype) if array.dtype == format.dtype else array


def _functions(
    operation: Operation, format: Format
) -> Iterator[tuple[str, str, Callable[..., Any], bool]]:
    """Name, summary, function, and whether it has a fault, of what is called."""
    for each in specimens(operation.name):
        is_of_format = not each.dtypes or format.name in each.dtypes or format.package != "numpy"
        if is_of_format and {*each.kinds} <= _IN_NUMBERS:
            plain = each.is_right and not each.name.startswith("right_")
            name = f"right_{each.name}" if plain else each.name  # a registered one may have it too
            yield name, each.summary, each.function, not each.is_right
    for own in implementations(operation.name).values():
        if own.library is None and format.name in spelt_out(own).dtypes:
            yield own.name, own.summary, own.function, False


def _public(module: ModuleType) -> dict[str, Callable[..., Any]]:
    return {
        name: each
        for name, each in vars(module).items()
        if callable(each) and getattr(each, "__module__", "") == module.__name__
    }
