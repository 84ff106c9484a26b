"""What cases give for a row is judged once for all that give the same, and each that differs."""

from dataclasses import dataclass

import numpy as np
import pytest
from softmax_harness.check.contract import answers
from softmax_harness.check.contract.answers import judged_answers
from softmax_harness.check.contract.case import Among, Case
from softmax_harness.ground.formats import FORMATS
from softmax_harness.operations import OPERATIONS, Inputs, Problem
from softmax_harness.subjects.declaration import described
from softmax_harness.subjects.isolation import Reply
from softmax_harness.subjects.subject import Subject

DISTINCT, ROWS = 7, 500


@dataclass(frozen=True)
class Nobody:
    """Makes no calls: the answers are given."""


@pytest.fixture
def subject():
    problem = Problem.of(OPERATIONS["softmax"], FORMATS["float32"])
    return Subject(described("given", None, "", "softmax"), problem, Nobody(), is_plain=True)


@pytest.fixture
def case():
    """Many rows, of which few differ."""
    rng = np.random.default_rng(0)
    whole = Inputs(rng.normal(size=(DISTINCT, 5)).astype(np.float32), ())
    among = Among(whole, rng.integers(DISTINCT, size=ROWS))
    return Case("batch", "many rows", (among.inputs,), (ROWS, 5), among=among)


def exact(x):
    e = np.exp(x.astype(float) - x.max(axis=-1, keepdims=True))
    return (e / e.sum(axis=-1, keepdims=True)).astype(np.float32)


def wrong_rows(subject, *given):
    """The rows that are judged wrong, of each case with its results."""
    cases = [case for case, _ in given]
    found = judged_answers(subject, cases, [Reply(y, ()) for _, y in given])
    return [each.wrong_rows.tolist() for each in found]


def test_each_row_has_its_own_verdict_and_the_same_results_are_judged_once(subject, case):
    y = exact(case.inputs.x)
    y[123] *= 2
    y[321, 4] = np.nan
    assert wrong_rows(subject, (case, y)) == [[123, 321]]
    (answer,) = judged_answers(subject, [case], [Reply(y, ())])
    judgement, row = answer.judgement_of(123)
    assert len(judgement.codes) == DISTINCT + 2
    np.testing.assert_array_equal(judgement.batch.y[row], y[123])


def test_whoever_gives_many_results_of_one_row_has_each_judged(subject, case):
    """Each differs from all others, and one is wrong."""
    y = exact(case.inputs.x)
    y = np.nextafter(y, y + np.random.default_rng(1).integers(-1, 2, y.shape, dtype=np.int8))
    assert len(np.unique(y, axis=0)) > DISTINCT * answers._LAYERS
    y[ROWS - 2, 0] = 0.9
    assert wrong_rows(subject, (case, y)) == [[ROWS - 2]]


def test_cases_of_the_same_rows_share_what_is_judged_and_no_verdict(subject, case):
    right, wrong = exact(case.inputs.x), exact(case.inputs.x)
    wrong[5] = 0
    turned = Case("batch", "turned", (case.inputs.rows(slice(None, None, -1)),), (ROWS, 5))
    assert wrong_rows(subject, (case, right), (case, wrong), (turned, right[::-1].copy())) == [
        [],
        [5],
        [],
    ]
