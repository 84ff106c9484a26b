"""What a kernel returns is judged, whatever numbers it is made of."""

import numpy as np
from softmax_harness.check.contract.elements import asked_of, judge
from softmax_harness.ground.formats import FORMATS
from softmax_harness.judgement.outcomes import Outcome
from softmax_harness.operations import OPERATIONS, Problem
from softmax_harness.subjects.named import subject_named


def test_a_signalling_nan_as_unfilled_memory_holds_it_is_judged_without_a_warning():
    subject = subject_named("max-shifted", Problem.of(OPERATIONS["softmax"], FORMATS["float32"]))
    x = np.zeros((1, 2), np.float32)
    y = np.array([[0x7F800001, 0x3F000000]], np.uint32).view(np.float32)
    judged = judge(asked_of(subject, x), y, flushes=False)
    assert judged.codes.tolist() == [[Outcome.NAN.code, Outcome.CORRECTLY_ROUNDED.code]]
    assert judged.is_fault.tolist() == [[True, False]]


def test_what_is_due_is_told_apart_from_what_is_rounded():
    problem = Problem.of(OPERATIONS["softmax_masked"], FORMATS["float32"])
    subject = subject_named("minus-infinity", problem)
    x = np.zeros((3, 2), np.float32)
    mask = np.array([[False, False], [True, False], [True, True]])
    judged = judge(asked_of(subject, x, (mask,)), np.full((3, 2), 0.75), flushes=False)
    assert [judged.told(row, 0) for row in range(3)] == [
        "gives 0.75, but nan, or 0 in every row that sees nothing (or see --policy all-masked), "
        "is due",
        "gives 0.75, but the correctly rounded result is 1.0",
        "gives 0.75, but the correctly rounded result is 0.5",
    ]


def test_a_row_of_nothing_but_minus_infinity_names_the_policy_that_decides_it():
    problem = Problem.of(OPERATIONS["softmax"], FORMATS["float32"])
    x = np.full((1, 2), -np.inf, np.float32)
    judged = judge(asked_of(subject_named("max-shifted", problem), x), np.zeros((1, 2)), False)
    assert judged.told(0, 0) == "gives 0.0, but nan (see --policy all-masked) is due"
