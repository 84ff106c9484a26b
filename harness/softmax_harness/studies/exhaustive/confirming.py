"""The maxima by mpmath, each on the rows in which it may stand."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from softmax_harness.ground.errors import ScreenIsWrong
from softmax_harness.ground.formats import Format
from softmax_harness.judgement.question import question
from softmax_harness.operations import Problem
from softmax_harness.studies.exhaustive.found import Candidate, Candidates, Found

# Beside the blur of the screen: the rounding of an error, which is a few operations in float64.
_ROUNDING = 2.0**-46


@dataclass(frozen=True)
class Maximum:
    """A maximum and where it stands.

    Attributes
    ----------
    value : float
        mpmath's own, of the inputs and outputs of its witness.
    witness : str
        Text that `explain` replays.
    y : tuple of float
        What the implementation gave for that row.
    """

    value: float
    witness: str
    y: tuple[float, ...]


@dataclass(frozen=True)
class Confirming:
    """A job: the maxima of what was found in a whole domain.

    Attributes
    ----------
    problem : Problem
    found : Found
    """

    problem: Problem
    found: Found

    def do(self) -> dict[str, Maximum]:
        """By name: ``larger``, ``smaller`` and ``sum_defect``, as far as there are any."""
        found, blur = self.found, self.found.blur
        maxima = {
            "larger": _confirmed(self.problem, found.larger, blur),
            "smaller": _confirmed(self.problem, found.smaller, blur),
            "sum_defect": _defect(self.problem, found.sum_defect),
        }
        return {name: each for name, each in maxima.items() if each is not None}


def _confirmed(problem: Problem, candidates: Candidates, blur: float) -> Maximum | None:
    """The largest error of the candidates, the first of equals.

    Raises
    ------
    ScreenIsWrong
        Where an error is not what it was found to be, up to the blur of the screen.
    """
    if not candidates:
        return None
    x = problem.input_format.stored(np.array([each.x for each in candidates]))
    asked = question(problem, x, tier="mpmath")
    errors = asked.batch_of(np.array([each.y for each in candidates])).absolute
    exact = [float(errors[row, each.index]) for row, each in enumerate(candidates)]
    for each, value in zip(candidates, exact, strict=True):
        if not abs(each.value - value) <= blur + _ROUNDING * abs(value):
            raise ScreenIsWrong(
                f"an error of {each.value} ulp is {value} by mpmath at "
                f"{witness_of(each, problem.input_format)}; please report this"
            )
    place = max(range(len(exact)), key=exact.__getitem__)
    return _maximum(problem, candidates[place], exact[place])


def _defect(problem: Problem, candidates: Candidates) -> Maximum | None:
    """|sum - 1| of the first candidate, summed exactly and rounded once."""
    if not candidates:
        return None
    total = sum((Fraction(each) for each in candidates[0].y), Fraction(-1))
    return _maximum(problem, candidates[0], float(abs(total)))


def _maximum(problem: Problem, candidate: Candidate, value: float) -> Maximum:
    return Maximum(value, witness_of(candidate, problem.input_format), candidate.y)


def witness_of(candidate: Candidate, format: Format) -> str:
    """The row in exact numbers, and the element."""
    numbers = ",".join(each.hex() for each in candidate.x)
    return f"{format.name}:{numbers}@{candidate.index}"
