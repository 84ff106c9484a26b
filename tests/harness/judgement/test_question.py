"""What a question finds once for all that is asked of it, and what it forgets again."""

from dataclasses import replace

import numpy as np
import pytest
from softmax_harness.ground.formats import FORMATS
from softmax_harness.judgement.measure import classified
from softmax_harness.judgement.outcomes import Outcome
from softmax_harness.judgement.question import Question, question
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


@pytest.fixture
def limited():
    """A question of a row without limits and of others, one of which is NaN."""
    operation = OPERATIONS["gradient"]

    def without(x, operands, z, ulp, format):
        bound = operation.error_bound(x, operands, z, ulp, format)
        bound[0] = np.inf
        return bound

    own = replace(operation, error_bound=without)
    x = np.random.default_rng(0).normal(0, 3, (5, 8)).astype(np.float32)
    x[4, 2] = np.nan
    inputs = operation.inputs(x, np.random.default_rng(1))
    return question(Problem.of(own, FORMAT), *inputs)


def test_no_limit_is_found_where_all_is_nearest(limited, monkeypatch):
    y = limited.truth.rounded.copy()
    monkeypatch.setattr(Question, "_limits_found", None)
    _, codes = classified(limited, y)
    assert (codes == Outcome.CORRECTLY_ROUNDED.code).all()


def test_what_is_nearest_is_so_whatever_stands_beside_it_and_without_a_limit(limited):
    y = limited.truth.rounded.copy()
    y[0, :2] = y[0, 0] + 1.0, np.nan
    y[1, 1] = y[1, 1] * 1.5 + 1.0
    y[4, 3] = 0.0
    _, codes = classified(limited, y)
    assert (codes[0, :2] == Outcome.ACCURATE.code).all()
    assert codes[1, 1] == Outcome.INACCURATE.code and codes[4, 3] == Outcome.WRONG_SPECIAL.code
    changed = np.zeros(y.shape, bool)
    changed[0, :2] = changed[1, 1] = changed[4, 3] = True
    assert (codes[~changed] == Outcome.CORRECTLY_ROUNDED.code).all()


def test_a_wrong_special_value_is_found_where_all_else_is_nearest(limited):
    y = limited.truth.rounded.copy()
    y[4, 3] = 0.0
    _, codes = classified(limited, y)
    assert np.flatnonzero(codes).tolist() == [4 * 8 + 3]
    assert codes[4, 3] == Outcome.WRONG_SPECIAL.code


def test_the_nearest_number_is_right_however_near_the_limit_its_error_is():
    """A screen that knows errors to 0.2 ulp leaves open only what is not RN(z)."""
    x = np.random.default_rng(0).normal(0, 3, (4, 50)).astype(np.float32)
    asked = question(Problem.of(OPERATIONS["softmax"], FORMATS["float32"]), x)
    coarse = replace(asked.exact_results, error_ulp=0.2)
    asked = replace(asked, exact_results=coarse).held_to("rounded")
    y = asked.truth.rounded.copy()
    _, codes = classified(asked, y)
    assert not codes.any() and not asked.exact_results.confirmed.any()
    y[2, 7] = np.nextafter(np.float32(y[2, 7]), np.float32(1))
    classified(asked, y)
    assert asked.exact_results.confirmed.tolist() == [False, False, True, False]
