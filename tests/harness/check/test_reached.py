"""What is held to the textbook form is told how much of it the careful form would not pass."""

import numpy as np
import pytest
from softmax_harness.check.contract.elements import asked_of, judge, truth_of
from softmax_harness.check.contract.reached import Reached
from softmax_harness.ground.formats import FORMATS
from softmax_harness.operations import OPERATIONS, Problem
from softmax_harness.operations.standards import careful_standard
from softmax_harness.subjects.subject import Subject
from softmax_implementations.registry import Implementation

X = np.array([[0.0, -20.0], [0.0, -1.0]], np.float32)


def textbook(x, axis=-1):
    """0 for log(1 + exp(-20)), which is 2e-9."""
    below = x - x.max(axis=axis, keepdims=True)
    return below - np.log(np.exp(below).sum(axis=axis, keepdims=True))


def careful(x, axis=-1):
    """Of two logits: -log(1 + exp(the other less this one))."""
    return -np.logaddexp(0.0, x[:, ::-1].astype(np.float64) - x).astype(x.dtype)


@pytest.mark.parametrize(
    "function, standard, expected",
    [
        (textbook, None, {"relative": 1}),
        (textbook, "native", {"relative": 1}),
        (careful, None, {"relative": 0}),
        (careful, "relative", {}),
    ],
)
def test_the_verdict_counts_what_the_careful_form_would_not_pass(function, standard, expected):
    declaration = Implementation("mine", function, operation="log_softmax", standard=standard)
    problem = Problem.of(OPERATIONS["log_softmax"], FORMATS["float32"])
    subject = Subject.here(declaration, problem)
    reached = Reached(subject)
    reached.see(judge(asked_of(subject, X), subject.call(X).y, flushes=False))
    assert reached.would_miss == expected


def divided(x, temperature, axis=-1):
    """Infinity less infinity where x / T exceeds the format."""
    with np.errstate(over="ignore", invalid="ignore"):
        scaled = x / temperature
        e = np.exp(scaled - scaled.max(axis=axis, keepdims=True))
        return e / e.sum(axis=axis, keepdims=True)


def test_what_the_textbook_form_may_lose_is_missed_by_the_careful_one():
    operation = OPERATIONS["softmax_temperature"]
    declaration = Implementation("mine", divided, operation=operation.name, standard="usual")
    subject = Subject.here(declaration, Problem.of(operation, FORMATS["float32"]))
    x = np.array([[1e30, 2e30], [1.0, 2.0]], np.float32)
    operands = (np.array([[1e-9], [1.0]], np.float32),)
    judged = judge(asked_of(subject, x, operands), subject.call(x, operands).y, flushes=False)
    reached = Reached(subject)
    reached.see(judged)
    assert not judged.has_fault.any() and np.isnan(judged.batch.y).sum() == 2
    assert reached.would_miss == {"relative": 2} and reached.standard == "usual"


def test_no_standard_is_more_careful_where_there_is_no_textbook_form():
    softmax, log = OPERATIONS["softmax"], OPERATIONS["log_softmax"]
    assert careful_standard(softmax, "native") is None
    assert careful_standard(log, "rounded") is careful_standard(log, "relative") is None
    assert careful_standard(log, "usual") == "relative"


@pytest.mark.parametrize(
    "dtype, passed",
    [("float16", ["usual"]), ("bfloat16", ["usual"]), ("float32", ["usual-wide", "usual"])],
)
def test_the_textbook_form_in_16_bits_is_usual_and_no_wider(dtype, passed):
    """As on a CPU: log(1 + exp(-8)) is 0 once the sum is rounded to the format."""
    format = FORMATS[dtype]
    if format.package != "numpy":
        pytest.importorskip(format.package, reason=f"pip install {format.package}")
    x = np.array([[0.0, -8.0]]).astype(format.dtype)
    problem = Problem.of(OPERATIONS["log_softmax"], format)
    asked, y = truth_of(problem, x), textbook(x)
    held = [asked.held_to(name) for name in ("relative", "usual-wide", "usual")]
    right = [each.standard for each in held if not judge(each, y, flushes=False).is_fault.any()]
    assert right == passed
