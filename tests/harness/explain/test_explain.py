"""The steps of each implementation: what they add sums to the error, and the culprit is named."""

import numpy as np
import pytest
from softmax_harness.explain.row import Explained, account, literal
from softmax_harness.explain.text import explained_text
from softmax_harness.ground.errors import BadData
from softmax_harness.ground.formats import FORMATS
from softmax_harness.inputs.witness import parse
from softmax_harness.operations import OPERATIONS, Problem
from softmax_harness.subjects.catalogue import catalogue
from softmax_harness.subjects.subject import Subject
from softmax_harness.subjects.trace import Trace
from softmax_implementations import Implementation, implementations

OURS = {name: catalogue()[name] for name, each in implementations().items() if not each.library}
CASES = [(each, dtype) for each in OURS.values() for dtype in each.dtypes]
IDS = [f"{each.name}-{dtype}" for each, dtype in CASES]
# They work on rows of their own making, block by block or term by term.
UNSEEN = [
    "accurate",
    "blocked",
    "blocked-lazy",
    "neumaier-sum",
    "online",
    "sequential-sum",
    "two-pass",
]
# In float16 log2 e is so far from itself that powers-of-2 is not softmax, taken exactly.
_NOT_SOFTMAX = ("powers-of-2", "float16")
SEEN = [c for c in CASES if c[0].name not in UNSEEN and (c[0].name, c[1]) != _NOT_SOFTMAX]


def explained(row, dtype="float32"):
    problem = Problem.of(OPERATIONS["softmax"], FORMATS[dtype])
    return Explained(literal(np.array(row, dtype=float), problem))


def text_of(row, subjects):
    return explained_text(row, [(each, account(each, row)) for each in subjects])


def here(implementation, dtype="float32"):
    """An implementation of softmax whose calls are made in this process."""
    return Subject.here(implementation, Problem.of(OPERATIONS["softmax"], FORMATS[dtype]))


@pytest.mark.parametrize("each, dtype", CASES, ids=IDS)
def test_recording_changes_no_bit(each, dtype):
    x = FORMATS[dtype].stored(np.random.default_rng(0).normal(0, 5, (7, 33)))
    trace = Trace()
    traced = np.asarray(each(trace.started(x.copy())))
    assert traced.tobytes() == np.asarray(each(x)).tobytes() and trace.steps


@pytest.mark.parametrize("name", UNSEEN)
def test_steps_that_cannot_be_seen_are_told(name):
    found = account(here(OURS[name]), explained([0.0, 1.0, 2.5]))
    assert found.reason.startswith("its steps cannot be") and not found.added


@pytest.mark.parametrize("each, dtype", SEEN, ids=[f"{each.name}-{dtype}" for each, dtype in SEEN])
def test_what_the_steps_add_is_the_whole_error(each, dtype):
    rng = np.random.default_rng(1)
    for row in (rng.normal(0, 3, 5), rng.normal(0, 8, 40), [0.0, -9.0, -np.inf], [4.0, 4.0]):
        row = FORMATS[dtype].stored(np.array(row)).astype(float)
        found = account(here(each, dtype), explained(row, dtype))
        assert found.reason == "" and found.added
        total = sum(step.ulp for step in found.added)
        assert total == pytest.approx(found.ulp[found.index], rel=1e-6, abs=1e-9, nan_ok=True)


@pytest.mark.parametrize(
    "name, row, step",
    [
        ("log-sum-exp", [1000.0, 999.5, 998.25], "add"),
        ("max-shifted", [80.0, 0.3, 0.1], "subtract"),
        ("shifted-log-sum-exp", [80.0, 0.3, 0.1], "subtract"),
    ],
)
def test_the_step_that_added_most(name, row, step):
    found = account(here(OURS[name]), explained(row))
    worst = max(found.added, key=lambda each: abs(each.ulp))
    assert worst.step.name == step and abs(worst.ulp) > 1


def test_the_step_that_lost_the_result():
    text = text_of(explained([1000.0, 1.0]), [here(OURS["naive"])])
    assert "lost in exp, which gave inf" in text
    text = text_of(explained([-200.0, -201.0]), [here(OURS["naive"])])
    assert "lost in" in text


def test_an_algorithm_that_is_not_followed_says_so():
    def loops(x, axis=-1):
        """Element by element."""
        y = np.array([[np.exp(v) for v in row] for row in np.asarray(x)])
        return (y / y.sum(axis=-1, keepdims=True)).astype(x.dtype)

    def twice(x, axis=-1):
        """Something else, taken for softmax."""
        e = np.exp(x + x)
        return e / np.sum(e, axis=axis, keepdims=True)

    row = explained([1.0, 2.0])
    assert "cannot be seen" in account(here(Implementation("loops", loops)), row).reason
    assert (
        "their result is not softmax" in account(here(Implementation("twice", twice)), row).reason
    )


def test_in_place_steps_are_followed():
    def in_place(x, axis=-1):
        """max-shifted in one buffer."""
        e = x - np.max(x, axis=axis, keepdims=True)
        np.exp(e, out=e)
        e /= np.sum(e, axis=axis, keepdims=True)
        return e

    found = account(here(Implementation("in-place", in_place)), explained([3.0, 1.0, 0.2]))
    assert [each.step.name for each in found.added] == ["max", "subtract", "exp", "sum", "divide"]


def test_a_witness_is_computed_in_its_own_block():
    found = parse("float32:normal-10,n=17,rows=64,seed=0@2,5")
    assert found.block.shape == (64, 17)
    row = Explained(found)
    made = account(here(OURS["max-shifted"], "float32"), row)
    assert made.index == 5
    assert made.y.tobytes() == OURS["max-shifted"](found.block)[2].astype(float).tobytes()


def test_special_rows_are_told_and_not_followed():
    text = text_of(
        explained([np.nan, 1.0]), [here(each) for each in list(catalogue().values())[:2]]
    )
    assert "policy" in text


def test_of_few_numbers_the_nearest_is_told_with_its_step_and_ties():
    text = text_of(explained([1.0] * 1024, "float8_e4m3fn"), [])
    assert "nearest in float8_e4m3fn: [0] 0.0 (step 0.001953125, a tie to even)" in text
    text = text_of(explained([0.0, -5.0], "float8_e5m2"), [])
    assert "1.0 (step 0.125)  0.0068359375 (step 0.0009765625)" in text
    assert "nearest in" not in text_of(explained([0.0, -5.0], "float32"), [])


def test_what_a_format_without_infinity_does_not_hold_is_refused():
    for number in (-np.inf, 500.0):
        with pytest.raises(BadData, match="no number of float8_e4m3fn.*-448 to 448"):
            explained([0.0, number], "float8_e4m3fn")
    with pytest.raises(BadData, match="no number of float8_e4m3fn"):
        parse("float8_e4m3fn:0x1p+0,-inf@0")
    assert parse("float8_e5m2:0x1p+0,-inf@0").block[0, 1] == -np.inf
