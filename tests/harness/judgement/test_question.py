"""What a question finds once for all that is asked of it, and what it forgets again."""

from dataclasses import replace

import numpy as np
import pytest
from softmax_harness.ground.formats import FORMATS
from softmax_harness.judgement.measure import question
from softmax_harness.operations import OPERATIONS, Problem

FORMAT = FORMATS["float32"]


@pytest.fixture
def counted():
    """A question of an operation that counts how often its sensitivity is found."""
    calls = []
    operation = OPERATIONS["gradient"]

    def counting(*given):
        calls.append(given[0].shape)
        return operation.input_sensitivity(*given)

    own = replace(operation, input_sensitivity=counting)
    x = np.random.default_rng(0).normal(0, 3, (5, 8)).astype(np.float32)
    inputs = operation.inputs(x, np.random.default_rng(1))
    return question(Problem.of(own, FORMAT), *inputs), calls


def test_the_sensitivity_is_found_once_for_every_standard(counted):
    asked, calls = counted
    several = [asked.held_to(each) for each in ("native", "wide", "rounded")]
    found = [each.input_sensitivity for each in several]
    assert all(each is found[0] for each in found)
    assert calls == [(5, 8)]


def test_rows_have_what_was_found_for_all_and_the_limits_of_their_own_standard(counted):
    asked, calls = counted
    asked.prepare_metrics()
    _ = asked.limit_ulp
    other = asked.held_to("rounded")
    rows = other.rows(np.array([3, 1]))
    assert np.array_equal(rows.input_sensitivity, asked.input_sensitivity[[3, 1]])
    assert np.array_equal(rows.effective_logits, asked.effective_logits[[3, 1]])
    assert np.array_equal(rows.limit_ulp, other.limit_ulp[[3, 1]])
    assert not np.array_equal(rows.limit_ulp, asked.limit_ulp[[3, 1]])
    assert calls == [(5, 8)]


def test_what_was_found_from_the_truth_is_found_again_once_that_is_confirmed(counted):
    asked, calls = counted
    other = asked.held_to("rounded")
    _ = other.input_sensitivity
    other.confirm(np.array([2]))
    _ = other.input_sensitivity, asked.input_sensitivity
    assert calls == [(5, 8), (5, 8)]
