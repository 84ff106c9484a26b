"""Rows of which a mask hides everything: NaN or 0, as the outputs have it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax_harness.operations import Inputs, Policy
from softmax_harness.score.pair import Pair


def as_answered(pair: Pair, policy: Policy) -> Policy:
    """The policy by what the first row gives that sees nothing; what a policy says is not touched.

    Libraries differ in that, and their users rely on either.
    """
    if pair.operation.seeing_nothing is None or policy.all_masked is not None:
        return policy
    for _, rows in pair.blocks():
        hidden = _sees_nothing(pair, policy, pair.inputs(rows))
        if hidden.any():
            is_zero = (pair.outputs(rows)[hidden][0] == 0.0).all()
            return replace(policy, all_masked="zero" if is_zero else "nan")
    return policy


def _sees_nothing(pair: Pair, policy: Policy, inputs: Inputs) -> NDArray[np.bool_]:
    """In which rows the policy for what sees nothing decides; shape (rows,)."""
    x: NDArray[Any] = inputs.x.astype(np.float64)

    def expected(choice: str) -> NDArray[np.float64]:
        problem = pair.problem(replace(policy, all_masked=choice))
        return problem.special_values(x, inputs.operands)[1]

    with np.errstate(all="ignore"):
        return np.asarray((np.isnan(expected("nan")) & (expected("zero") == 0.0)).any(axis=-1))
