"""Rows of which a mask hides everything: NaN or 0, as the outputs have it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from softmax_harness.operations import Inputs, Policy, Problem
from softmax_harness.score.pair import Pair


class Rows(NamedTuple):
    """Some rows, and what was answered to them.

    Attributes
    ----------
    inputs : Inputs
    outputs : callable
        ``outputs()`` gives them, shape (rows, m), in the order of the inputs.
    """

    inputs: Inputs
    outputs: Callable[[], NDArray[Any]]


def as_answered(pair: Pair, policy: Policy) -> Policy:
    """The policy by what the first row of a pair gives that sees nothing.

    Libraries differ in that, and their users rely on either; what a policy says is not touched.
    """
    several = (Rows(pair.inputs(rows), partial(pair.outputs, rows)) for _, rows in pair.blocks())
    return by_the_first(pair.problem(policy), several).policy


def by_the_first(problem: Problem, several: Iterable[Rows]) -> Problem:
    """The problem with the policy of `as_answered`, by the first of some rows."""
    policy = problem.policy
    if problem.operation.seeing_nothing is None or policy.all_masked is not None:
        return problem
    for rows in several:
        hidden = _sees_nothing(problem, rows.inputs)
        if hidden.any():
            is_zero = (rows.outputs()[hidden][0] == 0.0).all()
            given = replace(policy, all_masked="zero" if is_zero else "nan")
            return replace(problem, policy=given)
    return problem


def _sees_nothing(problem: Problem, inputs: Inputs) -> NDArray[np.bool_]:
    """In which rows the policy for what sees nothing decides; shape (rows,)."""
    x: NDArray[Any] = inputs.x.astype(np.float64)

    def expected(choice: str) -> NDArray[np.float64]:
        given = replace(problem, policy=replace(problem.policy, all_masked=choice))
        return given.special_values(x, inputs.operands)[1]

    with np.errstate(all="ignore"):
        return np.asarray((np.isnan(expected("nan")) & (expected("zero") == 0.0)).any(axis=-1))
