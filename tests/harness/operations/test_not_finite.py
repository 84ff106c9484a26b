"""A NaN or an infinity in an operand: what it reaches is fixed, in every operation."""

import numpy as np
import pytest
from softmax_harness.check.contract.elements import asked_of, judge
from softmax_harness.ground.formats import FORMATS
from softmax_harness.operations import ANYTHING, OPERATIONS, Problem
from softmax_harness.subjects.named import subject_named
from softmax_harness.testing import assert_close
from softmax_harness.truth import exact_results
from softmax_implementations import implementations

ROWS, N = 6, 5
NUMBERS = (np.nan, np.inf, -np.inf)
PLACES = [
    (name, place)
    for name, operation in OPERATIONS.items()
    for place, operand in enumerate(operation.operands)
    if operand.kind == "float"
]


def spoilt(name, place, number, is_masked=False):
    """Rows of an operation, in the first half of which an entry of an operand is that number."""
    operation, rng = OPERATIONS[name], np.random.default_rng(1)
    x = rng.standard_normal((ROWS, N)).astype(np.float32)
    if is_masked:
        x[:, 0] = -np.inf
    made = operation.make_operands(x, rng)
    operands = [each.copy() if each.dtype.kind != "f" else np.nan_to_num(each) for each in made]
    for mask, about in zip(operands, operation.operands, strict=True):
        if about.kind == "bool":
            mask[:] = True
    operands[place].reshape(ROWS, -1)[: ROWS // 2, 0] = number
    return x, tuple(operands)


@pytest.mark.parametrize("is_masked", [False, True])
@pytest.mark.parametrize(("name", "place"), PLACES)
def test_both_tiers_say_the_same_and_reach_no_other_row(name, place, is_masked):
    for number in NUMBERS:
        problem = Problem.of(OPERATIONS[name], FORMATS["float32"])
        x, operands = spoilt(name, place, number, is_masked)
        screened, exact = (
            exact_results(problem, x.astype(np.float64), operands, tier).truth
            for tier in ("screened", "mpmath")
        )
        np.testing.assert_array_equal(screened.fixed, exact.fixed)
        np.testing.assert_array_equal(screened.rounded, exact.rounded)
        assert not np.isnan(exact.rounded[ROWS // 2 :]).any()
        about = OPERATIONS[name].operands[place].name
        if is_masked or (about == "sink" and number == -np.inf):  # which is no sink
            continue
        own = exact.rounded[: ROWS // 2]
        if name.startswith("attention") and about == "v":
            own = own[:, 0]  # of the same column
        assert (np.isnan(own) if np.isnan(number) else own == ANYTHING).all()


@pytest.mark.parametrize(("name", "place"), PLACES)
def test_usual_arithmetic_is_no_fault_and_a_number_in_place_of_nan_is(name, place):
    problem = Problem.of(OPERATIONS[name], FORMATS["float32"])
    chosen = [
        each.name
        for each in implementations(name).values()
        if each.library is None and "float32" in each.dtypes and not each.expected_findings
    ]
    assert chosen
    for number in NUMBERS:
        x, operands = spoilt(name, place, number)
        for own in chosen:
            subject = subject_named(own, problem)
            with np.errstate(all="ignore"):
                y = subject.call(x, operands).y
            asked = asked_of(subject, x, operands)
            found = judge(asked, y, flushes=False)
            assert not found.is_fault.any(), (own, number, found.batch.y, asked.truth.rounded)
        is_nan = np.isnan(asked.truth.rounded)
        wrong = judge(asked, np.where(is_nan, 0.5, found.batch.y), flushes=False)
        np.testing.assert_array_equal(wrong.is_fault, is_nan)


def test_a_sink_of_minus_infinity_is_none():
    x, (*operands, sink) = spoilt("attention_sink", 4, -np.inf)
    with_sink, without = (
        exact_results(Problem.of(OPERATIONS[name], FORMATS["float32"]), x.astype(float), own).truth
        for name, own in (
            ("attention_sink", (*operands, sink)),
            ("attention", tuple(operands)),
        )
    )
    half = slice(None, ROWS // 2)
    np.testing.assert_array_equal(with_sink.rounded[half], without.rounded[half])


def test_an_assertion_takes_it_too():
    x, (g,) = spoilt("logsumexp_gradient", 0, np.nan)
    problem = Problem.of(OPERATIONS["logsumexp_gradient"], FORMATS["float32"])
    y = subject_named("textbook", problem).call(x, (g,)).y
    assert_close(y, x, operation="logsumexp_gradient", g=g)
    y[0, 0] = 0.0
    with pytest.raises(AssertionError, match="nan"):
        assert_close(y, x, operation="logsumexp_gradient", g=g)
