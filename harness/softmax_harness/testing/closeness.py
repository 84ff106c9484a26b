"""Arrays that were computed already, held to the exact results of their inputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from softmax_implementations.registry import CAPABILITIES

from softmax_harness.ground.errors import BadLimit, unknown
from softmax_harness.judgement.as_asked import is_as_asked
from softmax_harness.judgement.outcomes import OUTCOMES, Outcome
from softmax_harness.operations import Policy, asked_text
from softmax_harness.score.arrays import judged_pair
from softmax_harness.score.judging import confirmed, screened_score, terms_of
from softmax_harness.score.pair import Pair


@dataclass(frozen=True)
class Limits:
    """What results are held to.

    Attributes
    ----------
    max_ulp : float or None
        In place of a standard.
    standard : str or None
        None for that of the format.
    policy : Policy
    keeps_subnormals : bool
        Whether 0 in place of a subnormal number is wrong.
    """

    max_ulp: float | None
    standard: str | None
    policy: Policy
    keeps_subnormals: bool

    @classmethod
    def of(
        cls,
        max_ulp: float | None,
        standard: str | None,
        policy: Mapping[str, str] | str | None,
        without: str | Sequence[str],
    ) -> Limits:
        """As a caller gives them."""
        if max_ulp is not None and not _is_size(max_ulp):
            raise BadLimit(f"max_ulp={max_ulp!r}: expected a number of ulp, 0 or more")
        without = (without,) if isinstance(without, str) else without
        for name in without:
            if name not in CAPABILITIES:
                raise unknown("capability", name, CAPABILITIES)
        return cls(max_ulp, standard, Policy.of(policy), "subnormals" not in without)

    def is_fault(self, outcome: Outcome) -> bool:
        """Whether an element with that outcome is wrong."""
        if outcome is Outcome.FLUSHED_SUBNORMAL:
            return self.keeps_subnormals
        return not outcome.is_good


def _is_size(given: Any) -> bool:
    """Whether it is a number, 0 or more, whoever's type it has."""
    try:
        return bool(given >= 0)
    except (TypeError, ValueError):
        return False


def told_apart(
    y: Any, x: Any, operands: Mapping[str, Any], operation: str, axis: int, limits: Limits
) -> str:
    """What is wrong with the results, in full; empty where nothing is."""
    pair = judged_pair(y, x, operands, operation, axis)
    if not pair.y.size:
        return ""
    if not pair.n:
        return _of_nothing(pair, limits.policy)
    terms = terms_of(pair, limits.policy, limits.standard, limits.max_ulp, ("max_ulp",))
    scored = screened_score(pair, replace(terms, flushes=not limits.keeps_subnormals))
    faults = [each for each in OUTCOMES if each in scored.firsts and limits.is_fault(each)]
    if not faults:
        return ""
    from softmax_harness.testing.message import message  # and mpmath, only where there are faults

    return message(confirmed(scored), faults)


def _of_nothing(pair: Pair, policy: Policy) -> str:
    """The same of rows without logits, of which every result is a special value."""
    choices = ("nan", "zero") if policy.all_masked is None else (policy.all_masked,)
    inputs = pair.inputs(slice(0, pair.rows))
    y = pair.outputs(slice(0, pair.rows)).astype(np.float64)
    expected = []
    for choice in choices:
        problem = pair.problem(replace(policy, all_masked=choice))
        expected.append(problem.special_values(inputs.x.astype(np.float64), inputs.operands)[1])
    wrong = min(int((~is_as_asked(y, each)).sum()) for each in expected)
    if not wrong:
        return ""
    asked = asked_text(expected[0].flat[0])
    return (
        f"{pair.operation.name} of rows without logits is {asked} throughout\n\n"
        f"Mismatched elements: {wrong} / {y.size}"
    )
