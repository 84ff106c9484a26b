"""Overflow and underflow by cause, one float on either side of each threshold."""

import pickle

import numpy as np
import pytest
from softmax_harness.ground.formats import FORMATS
from softmax_harness.judgement.metrics import batch_of
from softmax_harness.judgement.outcomes import BROKEN, FAULTS, OUTCOMES, Outcome, classify
from softmax_harness.operations import OPERATIONS, Problem
from softmax_harness.truth import arbitrate
from softmax_implementations import implementations

INF = np.inf


def outcomes(row, y, name):
    x = np.array([row], dtype=float)
    truth = arbitrate(Problem.of(OPERATIONS["softmax"], FORMATS[name]), x)
    codes = classify(batch_of(x, np.array([y], dtype=float), truth), 8.0)
    return [OUTCOMES[code] for code in codes[0]]


@pytest.mark.parametrize("name", ["float16", "float32", "float64"])
def test_naive_overflows_one_float_past_the_largest_exponential(name):
    format = FORMATS[name]
    edge = float(np.asarray(np.log(format.largest)).astype(name))
    with np.errstate(over="ignore"):
        while np.isinf(np.exp(np.asarray(edge).astype(name))):
            edge = format.next_after(edge, -np.inf)
        while np.isfinite(np.exp(np.asarray(format.next_after(edge, np.inf)).astype(name))):
            edge = format.next_after(edge, np.inf)
    naive = implementations()["naive"]
    for top, expected in ((edge, False), (format.next_after(edge, np.inf), True)):
        row = [top, top - 60.0]  # too small a second term to change the sum
        y = naive(np.array([row], dtype=name))[0].astype(float)
        stored = np.array(row, dtype=name).astype(float)
        assert ("overflow" in outcomes(stored, y, name)) is expected


def test_a_sum_at_the_bound_of_a_format_without_infinities_overflows_where_the_tie_does():
    """20 times 3072 is 61440, between the largest number, 57344, and NaN."""
    nans = [np.nan] * 20
    assert outcomes([8.0] * 20, nans, "float8_e5m2fnuz") == ["overflow"] * 20
    assert outcomes([8.0] * 18, nans[:18], "float8_e5m2fnuz") == ["nan"] * 18


def test_denominator_underflow():
    assert outcomes([-200.0, -201.0], [np.nan, np.nan], "float32") == ["denominator_underflow"] * 2


def test_underflow_is_told_apart_by_what_was_possible():
    assert outcomes([0.0, -200.0], [1, 0], "float32")[1] == "inherent_underflow"
    assert outcomes([0.0, -90.0], [1, 0], "float32")[1] == "flushed_subnormal"
    assert outcomes([0.0, -80.0], [1, 0], "float32")[1] == "spurious_underflow"
    # 1.17547e-38, which float32 holds as a subnormal, and bfloat16 rounds up to a normal number.
    assert outcomes([0.0, -87.33656], [1, 0], "bfloat16")[1] == "flushed_subnormal"


@pytest.mark.parametrize(
    ("operation", "x", "operands", "y", "expected"),
    [
        # log(softmax(x)): the sum of the naive steps would overflow, that of these does not.
        (
            "log_softmax",
            [1.0, 130.0],
            (),
            [-INF, 0.0],
            ["spurious_underflow", "inherent_underflow"],
        ),
        ("log_softmax", [1.0, 130.0], (), [-INF, -INF], ["overflow"] * 2),
        ("log_softmax", [-200.0, -201.0], (), [np.nan] * 2, ["denominator_underflow"] * 2),
        ("cross_entropy", [-107.0, 0.0], (0,), [INF], ["spurious_underflow"]),
        ("cross_entropy", [130.0, 0.0], (0,), [INF], ["overflow"]),
        ("logsumexp", [130.0, 0.0], (), [INF], ["overflow"]),
        ("logsumexp", [-130.0, -200.0], (), [-INF], ["denominator_underflow"]),
        # b exp(x - max) is 0 where the largest logit has no weight.
        ("logsumexp_weighted", [0.0, -28.0], ([0.0, 2.0**-145],), [-INF], ["spurious_underflow"]),
        ("logsumexp_weighted", [0.0, 3.4028235e38], ([1.0, 1.0],), [-INF], ["spurious_underflow"]),
        # A g that became infinite is no quotient of 0.
        ("logsumexp_gradient", [-200.0, -201.0], ([1e5],), [-INF, -INF], ["overflow"] * 2),
        ("logsumexp_gradient", [88.5, 88.0], ([1.0],), [0.0, 0.0], ["overflow"] * 2),
        ("gradient", [88.5, 88.0], ([1.0, 0.0],), [0.0, 0.0], ["overflow"] * 2),
        (
            "gradient",
            [0.0, -80.0],
            ([0.0, 1.0],),
            [1e-35, 0.0],
            ["inaccurate", "spurious_underflow"],
        ),
    ],
)
def test_results_that_are_lost_tell_the_cause_of_their_operation(
    operation, x, operands, y, expected
):
    problem = Problem.of(OPERATIONS[operation], FORMATS["float32"])
    rows = np.array([x]), tuple(np.array([each]) for each in operands)
    batch = batch_of(rows[0], np.array([y]), arbitrate(problem, *rows))
    codes = classify(batch, 8.0, problem.operation)
    assert [OUTCOMES[code] for code in codes[0]] == expected


def test_unexplained_nan_range_and_special_values():
    assert outcomes([0.0, 0.0], [np.nan, 0.5], "float32") == ["nan", "correctly_rounded"]
    assert outcomes([0.0, 0.0], [1.5, -0.5], "float32") == ["out_of_range"] * 2
    assert outcomes([0.0, -np.inf], [1, 0.25], "float32")[1] == "wrong_special"
    assert outcomes([1000.0], [np.nan], "float32") == ["wrong_special"]


def test_what_a_mask_hides_in_a_row_of_nan_is_0_or_nan():
    x, mask = np.array([[np.nan, 1.0]] * 3), np.array([[True, False]] * 3)
    truth = arbitrate(Problem.of(OPERATIONS["softmax_masked"], FORMATS["float32"]), x, (mask,))
    y = np.array([[np.nan, 0.0], [np.nan, np.nan], [np.nan, 7.0]])
    codes = classify(batch_of(x, y, truth), 8.0, OPERATIONS["softmax_masked"])
    expected = ["correctly_rounded", "correctly_rounded", "wrong_special"]
    assert [OUTCOMES[code] for code in codes[:, 1]] == expected


def test_codes_are_the_places_and_names_are_the_columns():
    assert [each.code for each in OUTCOMES] == list(range(len(OUTCOMES)))
    # `classify` counts on the first three, and every table of a run on the names.
    assert OUTCOMES[:3] == ("correctly_rounded", "accurate", "inaccurate")
    assert all(each == each.name.lower() == f"{each}" for each in OUTCOMES)
    assert all(pickle.loads(pickle.dumps(each)) is each for each in OUTCOMES)


def test_an_outcome_is_good_or_a_fault_and_only_faults_are_broken():
    good = {each for each in OUTCOMES if each.is_good}
    assert good == {"correctly_rounded", "accurate", "inherent_underflow"}
    assert good | {*FAULTS} == {*OUTCOMES} and {*BROKEN} < {*FAULTS}
    assert {*FAULTS} - {*BROKEN} == {"inaccurate", "flushed_subnormal"}
    underflows = {each for each in OUTCOMES if each.is_underflow}
    assert {each for each in OUTCOMES if "underflow" in each} | {"flushed_subnormal"} == underflows
    assert {each for each in OUTCOMES if each.is_nearest} == good - {Outcome.ACCURATE}


def test_every_outcome_has_a_colour_whose_grey_falls_with_severity():
    by_severity = sorted(OUTCOMES, key=lambda each: each.severity)
    assert [each.severity for each in by_severity] == list(range(len(OUTCOMES)))
    grey = [
        np.dot([int(each.colour[at : at + 2], 16) for at in (1, 3, 5)], [0.299, 0.587, 0.114])
        for each in by_severity
    ]
    assert grey[0] > 250 and grey[-1] < 20
    assert len({each.letter for each in OUTCOMES}) == len(OUTCOMES)
    assert all(each.meaning for each in OUTCOMES)
