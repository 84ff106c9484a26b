"""Kept truths: found again by the same inputs, forgotten once confirmed, never too many."""

from dataclasses import replace

import numpy as np
import pytest
from softmax_harness.check.contract import Contract, checked
from softmax_harness.check.contract.truths import Truths, keep_truths, kept_truths
from softmax_harness.check.contract.truths import _Here as truths_of_here
from softmax_harness.ground.formats import FORMATS
from softmax_harness.operations import OPERATIONS, Policy, Problem

PROBLEM = Problem.of(OPERATIONS["softmax"], FORMATS["float32"])


def rows(seed, n=10):
    return np.random.default_rng(seed).normal(0, 3, (4, n)).astype(np.float32)


def test_the_same_inputs_are_the_same_question_and_others_are_not():
    truths = Truths(1000)
    first = truths.question(PROBLEM, rows(0), (), "screened")
    assert truths.question(PROBLEM, rows(0), (), "screened") is first
    relaxed = replace(PROBLEM, policy=Policy.parse(("nan=any",)))
    narrow = replace(PROBLEM, output_format=FORMATS["float16"])
    for other in (relaxed, narrow):
        assert truths.question(other, rows(0), (), "screened") is not first
    assert truths.question(PROBLEM, rows(1), (), "screened") is not first
    assert truths.question(PROBLEM, rows(0), (), "mpmath") is not first
    masked = Problem.of(OPERATIONS["softmax_masked"], FORMATS["float32"])
    masks = np.ones((4, 10), bool), np.eye(4, 10) == 0
    one, two = (truths.question(masked, rows(0), (mask,), "screened") for mask in masks)
    assert one is not two and truths.question(masked, rows(0), (masks[0],), "screened") is one


def test_what_was_confirmed_since_is_made_anew():
    truths = Truths(1000)
    first = truths.question(PROBLEM, rows(0), (), "screened")
    first.confirm(np.array([2]))
    again = truths.question(PROBLEM, rows(0), (), "screened")
    assert again is not first and not again.exact_results.confirmed.any()


@pytest.mark.parametrize("room", [0, 39, 40, 100, 1000])
def test_no_more_is_kept_than_was_said(room):
    truths = Truths(room)
    for seed in [*range(30), *range(30)]:
        truths.question(PROBLEM, rows(seed), (), "screened")
        assert truths.elements <= room
    assert truths.elements >= room // 80 * 40


@pytest.mark.usefixtures("third_of_contract")
def test_a_verdict_is_the_same_whatever_was_judged_before_it(monkeypatch):
    contract = Contract(("float32",), ("accuracy", "layouts"))
    monkeypatch.setattr(truths_of_here, "truths", Truths())
    alone = checked("log-sum-exp", contract)
    keep_truths(2 << 20)  # which monkeypatch takes back
    checked("max-shifted", contract)
    assert repr(checked("log-sum-exp", contract)) == repr(alone)
    assert kept_truths().elements > 1_000_000
