"""What was found last is not found twice, and is never taken for anything else."""

import numpy as np
import pytest
from softmax_harness.ground.formats import FORMATS
from softmax_harness.judgement.measure import classified
from softmax_harness.judgement.outcomes import OUTCOMES
from softmax_harness.judgement.question import question
from softmax_harness.operations import OPERATIONS, Policy, Problem
from softmax_harness.subjects.exact import exact_of
from softmax_harness.truth import remembered

FORMAT = FORMATS["float32"]
SATURATING = Policy(saturation="saturate")


def asked(name, rows=4, n=6):
    rng, problem = np.random.default_rng(0), Problem.of(OPERATIONS[name], FORMAT)
    stored = rng.normal(0, 3, (rows, n)).astype(np.float32)
    operands = problem.operation.make_operands(stored, rng)
    return question(problem, stored, operands), problem.operation.called_with(stored, operands)


def test_exact_gives_the_truth_that_was_found_for_the_question():
    for name in ("softmax", "cross_entropy", "attention_sink"):
        own, arguments = asked(name)
        assert remembered(own.problem, arguments) is own.exact_results
        y = exact_of(name).function(*arguments)
        assert y.dtype == np.float32
        due = own.truth.rounded
        assert np.array_equal(y.reshape(due.shape), due, equal_nan=True)


@pytest.mark.parametrize("format", FORMATS.values(), ids=FORMATS)
def test_exact_gives_the_largest_number_where_that_is_the_result(format):
    """Which no special value may be mistaken for."""
    x = format.stored(np.array([[0.0, format.largest]]))
    (loss,) = exact_of("cross_entropy").function(x, np.array([0]))
    assert loss == format.largest


def test_saturated_results_are_asked_for_as_numbers():
    problem = Problem.of(OPERATIONS["cross_entropy"], FORMATS["float64"], policy=SATURATING)
    x, target = np.array([[0.0, -np.inf]]), np.array([1])  # a loss of infinity
    asked = question(problem, x, (target,))
    judged = [classified(asked, np.array([[y]]))[1] for y in (FORMATS["float64"].largest, 3.0)]
    assert [str(OUTCOMES[int(codes[0, 0])]) for codes in judged] == [
        "correctly_rounded",
        "wrong_special",
    ]


def test_other_arrays_another_problem_and_what_was_written_into_are_found_anew():
    own, (stored,) = asked("softmax")
    assert remembered(own.problem, (stored.copy(),)) is None
    assert remembered(Problem.of(OPERATIONS["softmax"], FORMATS["float64"]), (stored,)) is None
    stored[0, 0] += 1.0
    assert remembered(own.problem, (stored,)) is None
    assert exact_of("softmax").function(stored)[0, 0] != own.truth.rounded[0, 0]


def test_another_policy_changes_what_is_fixed_alone():
    rng, format = np.random.default_rng(1), FORMAT
    x = rng.normal(size=(3, 4)).astype(np.float32)
    mask = np.array([[True] * 4, [False] * 4, [True, False] * 2])
    problem = Problem.of(OPERATIONS["softmax_masked"], format)
    own = question(problem, x, (mask,))
    for choice in ("zero", "uniform", "any"):
        policy = Policy.parse((f"all-masked={choice}",))
        other = Problem(problem.operation, format, format, policy=policy)
        found, expected = own.under(other).truth, question(other, x, (mask,)).truth
        for name in ("rounded", "offset", "ulp", "fixed"):
            np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))
    assert np.isnan(own.truth.rounded[1]).all()
