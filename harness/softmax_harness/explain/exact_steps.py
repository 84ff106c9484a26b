"""The exact steps to the results of one row, and these results."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import mpmath
import numpy as np
from mpmath import libmp

from softmax_harness.operations import Operands, Problem
from softmax_harness.operations.enclosure import Array
from softmax_harness.operations.steps import Each, ExactStep, ExactSteps, as_mpf
from softmax_harness.truth.long_rows import enclosing

_BITS = 128
_NONE = ExactSteps(lambda logits, operands: [])


def exact_steps(problem: Problem, x: Array, operands: Operands) -> list[ExactStep]:
    """The steps of the problem's operation for one row that it is defined for.

    Parameters
    ----------
    x : ndarray of float64, shape (n,)
    operands : tuple of ndarray
        The row of each operand.

    Returns
    -------
    list of ExactStep
        mpf of 128 bits; the last step gives the results.
    """
    steps = problem.operation.steps or _NONE
    with mpmath.workprec(_BITS):
        before = steps.before(as_mpf(x), operands)
        return [*before, ExactStep(steps.last, _results(problem, x, operands))]


def _results(problem: Problem, x: Array, operands: Operands) -> Sequence[Any]:
    """What the policy fixes, and the middle of the enclosure of each other result."""
    in_a_row = tuple(each[None] for each in operands)
    fixed, expected = problem.special_values(x[None], in_a_row)

    enclosure_at = enclosing(problem.operation, x, operands, _BITS)

    def result(index: int) -> Any:
        if fixed[0, index]:
            return mpmath.mpf(float(expected[0, index]))
        found = enclosure_at(index)
        return mpmath.mp.make_mpf(libmp.from_man_exp(found.man, found.exp))

    return Each(fixed.shape[1], result)


def known_exactly(
    problem: Problem, x: Array, operands: Operands, places: Sequence[int]
) -> set[int]:
    """Which of some results of the row are, as where all that is summed is equal.

    None of them is one that the policy fixes.
    """
    enclosure_at = enclosing(problem.operation, x, operands, _BITS)
    return {each for each in places if enclosure_at(each).slack == 0}


def is_defined(problem: Problem, x: Array, operands: Operands) -> bool:
    """Whether the operation, and not the policy alone, says what a row gives."""
    in_a_row = tuple(each[None] for each in operands)
    fixed, expected = problem.special_values(x[None], in_a_row)
    if not fixed.all():
        return True
    effective = problem.operation.effective_logits(x[None], in_a_row)
    return bool(np.isfinite(expected).all() and np.isfinite(effective).any()) and len(x) == 1
