"""A rule, tried on softmaxes of which it is known on the given inputs whether they are right."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from softmax_harness.ground.errors import BadData
from softmax_harness.studies.audit.judged import Answer, Asked
from softmax_harness.studies.audit.rule import AllClose, Rule, Ulps, steps_between


@dataclass(frozen=True)
class Audit:
    """What a rule accepts.

    Attributes
    ----------
    rule : Rule
    let_pass, caught : tuple of Answer
        Faulty ones that it accepts, the farthest off first, and those that it does not.
    failed, accepted : tuple of Answer
        Right ones that it does not accept, and those that it does.
    unseen : tuple of Answer
        Those with a fault that does not show on these inputs, so that no rule finds it on them.
    """

    rule: Rule
    let_pass: tuple[Answer, ...]
    caught: tuple[Answer, ...]
    failed: tuple[Answer, ...]
    accepted: tuple[Answer, ...]
    unseen: tuple[Answer, ...]


def audit(rule: Rule, asked: Asked, answers: Sequence[Answer]) -> Audit:
    """Try a rule on answers to the same inputs."""
    passes = {id(e): rule.accepts(e.y, asked.golden, asked.format) for e in answers}
    faulty = sorted((each for each in answers if each.is_faulty), key=_how_far, reverse=True)
    right = [each for each in answers if each.is_right]
    return Audit(
        rule,
        tuple(each for each in faulty if passes[id(each)]),
        tuple(each for each in faulty if not passes[id(each)]),
        tuple(each for each in right if not passes[id(each)]),
        tuple(each for each in right if passes[id(each)]),
        tuple(each for each in answers if each.has_fault and not each.is_faulty),
    )


def _how_far(answer: Answer) -> tuple[float, float]:
    return answer.relative, answer.ulp


def tightest(asked: Asked, answers: Sequence[Answer]) -> tuple[Rule, Rule]:
    """The tightest ``ulp`` and ``allclose`` that every right answer passes.

    Of allclose, the relative tolerance is the largest relative error of results that are normal
    numbers, and the absolute one is what is then missing elsewhere. Both are rounded up to two
    digits.

    Raises
    ------
    BadData
        If there is no right answer to these inputs.
    """
    golden, format = asked.golden, asked.format
    right = [each for each in answers if each.is_right]
    if not right:
        raise BadData("no softmax known to be right answers these inputs: take other ones")
    steps = max(float(steps_between(each.y, golden, format).max()) for each in right)
    rtol = _rounded_up(max(each.relative for each in right))
    with np.errstate(invalid="ignore"):
        missing = [np.nanmax(np.abs(e.y - golden) - rtol * np.abs(golden)) for e in right]
    has_nan = bool(np.isnan(golden).any())
    atol = _rounded_up(max(0.0, *map(float, missing)))
    return Ulps(f"{steps:.0f}"), AllClose(rtol, atol, has_nan)


def _rounded_up(value: float) -> float:
    if value == 0.0:
        return 0.0
    unit = 10.0 ** (math.floor(math.log10(value)) - 1)
    return float(f"{math.ceil(value / unit * (1 - 1e-12)) * unit:.1e}")
