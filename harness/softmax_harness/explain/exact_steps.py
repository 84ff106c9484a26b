"""The exact steps to the results of one row, and these results."""

from __future__ import annotations

from typing import Any

import mpmath
import numpy as np
from mpmath import libmp

from softmax_harness.operations import Operands, Problem
from softmax_harness.operations.operation import Array
from softmax_harness.operations.steps import ExactStep, ExactSteps, as_mpf

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


def _results(problem: Problem, x: Array, operands: Operands) -> list[Any]:
    """What the policy fixes, and the middle of the enclosure of each other result."""
    in_a_row = tuple(each[None] for each in operands)
    fixed, expected = problem.special_values(x[None], in_a_row)
    if fixed.all():
        return as_mpf(expected[0])
    enclosed = problem.operation.enclose(x, operands, _BITS)
    found = []
    for is_fixed, value, each in zip(fixed[0], expected[0], enclosed, strict=True):
        if is_fixed:
            found.append(mpmath.mpf(float(value)))
        else:
            assert each is not None
            found.append(mpmath.mp.make_mpf(libmp.from_man_exp(each.man, each.exp)))
    return found


def is_defined(problem: Problem, x: Array, operands: Operands) -> bool:
    """Whether the operation, and not the policy alone, says what a row gives."""
    in_a_row = tuple(each[None] for each in operands)
    fixed, expected = problem.special_values(x[None], in_a_row)
    if not fixed.all():
        return True
    effective = problem.operation.effective_logits(x[None], in_a_row)
    return bool(np.isfinite(expected).all() and np.isfinite(effective).any()) and len(x) == 1
