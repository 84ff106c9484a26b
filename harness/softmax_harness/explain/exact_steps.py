"""The exact steps to the results of one row, and these results."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, cast

import mpmath
import numpy as np
from mpmath import libmp

from softmax_harness.operations import Enclosure, Operands, Problem
from softmax_harness.operations.operation import Array
from softmax_harness.operations.steps import Each, ExactStep, ExactSteps, as_mpf
from softmax_harness.truth.long_rows import enclosure_at, is_long

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

    @cache
    def all_at_once() -> Sequence[Enclosure | None]:
        return problem.operation.enclose(x, operands, _BITS)

    def result(index: int) -> Any:
        if fixed[0, index]:
            return mpmath.mpf(float(expected[0, index]))
        if is_long(problem.operation, x):
            found = enclosure_at(problem.operation, x, operands, index, _BITS)
        else:
            found = cast(Enclosure, all_at_once()[index])
        return mpmath.mp.make_mpf(libmp.from_man_exp(found.man, found.exp))

    return Each(fixed.shape[1], result)


def is_exact(problem: Problem, x: Array, operands: Operands, index: int) -> bool:
    """Whether a result of the row is known exactly, as where all that is summed is equal."""
    if is_long(problem.operation, x):
        return enclosure_at(problem.operation, x, operands, index, _BITS).slack == 0
    found = problem.operation.enclose(x, operands, _BITS)[index]
    return found is not None and found.slack == 0


def is_defined(problem: Problem, x: Array, operands: Operands) -> bool:
    """Whether the operation, and not the policy alone, says what a row gives."""
    in_a_row = tuple(each[None] for each in operands)
    fixed, expected = problem.special_values(x[None], in_a_row)
    if not fixed.all():
        return True
    effective = problem.operation.effective_logits(x[None], in_a_row)
    return bool(np.isfinite(expected).all() and np.isfinite(effective).any()) and len(x) == 1
