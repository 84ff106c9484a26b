"""Temperatures of 0, below 0 and at the ends of the format: held by a policy, told without one."""

from dataclasses import replace

import numpy as np
import pytest
from softmax_harness.check.contract import Contract
from softmax_harness.check.contract.checking import verdict
from softmax_harness.ground.formats import FORMATS
from softmax_harness.inputs import witness
from softmax_harness.operations import OPERATIONS, Policy, Problem
from softmax_harness.subjects.declaration import described
from softmax_harness.subjects.subject import Subject
from softmax_implementations import implementations

NAME = "softmax_temperature"
DIVIDED = implementations(NAME)["divided"].function


def clamped(x, temperature, axis=-1):
    """Takes every temperature below the smallest normal number for that."""
    least = np.finfo(x.dtype).tiny
    return DIVIDED(x, np.maximum(temperature, least), axis=axis)


def refusing(x, temperature, axis=-1):
    if (temperature < 0).any():
        raise ValueError("temperature must be positive")
    return DIVIDED(x, temperature, axis=axis)


def one_at_zero(x, temperature, axis=-1):
    """As many do it: all for the first of the largest logits."""
    first = np.arange(x.shape[axis]) == np.argmax(x, axis=axis)[..., None]
    return np.where(temperature == 0, first.astype(x.dtype), DIVIDED(x, temperature, axis=axis))


def judged(function, dtype="float32", **policy):
    contract = Contract((dtype,), ("operands",), operation=NAME, policy=Policy(**policy))
    problem = Problem(OPERATIONS[NAME], *2 * (FORMATS[dtype],), policy=contract.policy)
    declaration = replace(described("mine", None, "", NAME), function=function, standard="native")
    return verdict(Subject.here(declaration, problem), contract)


@pytest.mark.parametrize(
    "function, told",
    [
        (DIVIDED, {"a temperature of 0: gives NaN"}),
        (one_at_zero, {"a temperature of 0: gives 1 for one logit"}),
        (clamped, {"a temperature below 0: gives nan, but 1.0 is due"}),
        (refusing, {"a temperature below 0: raised ValueError: temperature must be positive"}),
    ],
)
def test_without_a_policy_what_is_given_is_told_and_no_fault(function, told):
    found = judged(function)
    assert found.verdict == "pass"
    assert all(any(each.startswith(one) for each in found.reported) for one in told)


@pytest.mark.parametrize(
    "function, stated, wrong",
    [
        (DIVIDED, "nan", ""),
        (DIVIDED, "any", ""),
        (DIVIDED, "zero", "a temperature of 0 gives nan, but 0.0 is due"),
        (one_at_zero, "nan", "a temperature of 0 gives 0.0, but nan is due"),
        (clamped, "any", "a temperature below 0 gives nan, but 1.0 is due"),
        (refusing, "any", "a temperature below 0 raised ValueError"),
    ],
)
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_a_policy_that_is_stated_is_held(function, stated, wrong, dtype):
    found = judged(function, dtype, zero_temperature=stated)
    assert found.verdict == ("fail" if wrong else "pass"), found.findings
    for finding in found.findings:
        assert finding.kind == "operand" and finding.message.startswith(wrong)
        assert finding.replay.endswith(f"--only operands --policy zero-temperature={stated}")
        if finding.witness:
            (temperature,) = witness.parse(finding.witness, NAME).operands
            assert (temperature <= 0).all()
