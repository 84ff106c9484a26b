"""Each metric against its definition, written out in plain Python and mpmath."""

import itertools
import math
from fractions import Fraction

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from softmax_harness.formats import FORMATS
from softmax_harness.metrics import METRICS, judged
from softmax_harness.metrics.order import count_inversions, sorted_together
from softmax_harness.metrics.rows import exact_parts
from softmax_harness.operations import OPERATIONS
from softmax_harness.truth import judge

FLOAT32 = FORMATS["float32"]
OF = {metric.name: metric.of for metric in METRICS}


def exact_softmax(row):
    exponentials = [mpmath.exp(mpmath.mpf(float(v))) for v in row]
    return [e / mpmath.fsum(exponentials) for e in exponentials]


def ulp(z, format):
    binade = int(mpmath.floor(mpmath.log(z, 2)))
    return mpmath.mpf(2) ** (max(binade, format.emin) - format.precision + 1)


@pytest.fixture(scope="module")
def batch():
    rng = np.random.default_rng(3)
    x = rng.normal(0, 4, (6, 9)).astype(np.float32).astype(float)
    truth = judge(OPERATIONS["softmax"], x, FLOAT32)
    y = (truth.rounded * (1 + rng.normal(0, 1e-6, x.shape))).astype(np.float32).astype(float)
    y[0, 0] = 0.0
    return judged(x, y, truth)


def test_ulp_errors(batch):
    with mpmath.workdps(60):
        for row in range(6):
            z = exact_softmax(batch.x[row])
            for i in range(9):
                error = abs(mpmath.mpf(batch.y[row, i]) - z[i]) / ulp(z[i], FLOAT32)
                assert OF["max_ulp"](batch)[row, i] == pytest.approx(float(error), rel=1e-9)
                probable = OF["max_ulp_probable"](batch)[row, i]
                assert math.isnan(probable) is (z[i] < mpmath.mpf(1) / 9)


def test_versus_input_rounding(batch):
    """The first-order change of z by half-ulp changes of every logit, each of the worst sign."""
    with mpmath.workdps(60):
        for row in range(6):
            z = exact_softmax(batch.x[row])
            half = [float(FLOAT32.ulp(np.array([abs(v)]))[0]) / 2 for v in batch.x[row]]
            for i in range(9):
                change = sum(abs(z[i] * ((1 if i == j else 0) - z[j])) * half[j] for j in range(9))
                scale = max(change, ulp(z[i], FLOAT32) / 2)
                expected = abs(mpmath.mpf(batch.y[row, i]) - z[i]) / scale
                found = OF["max_vs_input_rounding"](batch)[row, i]
                assert found == pytest.approx(float(expected), rel=1e-9)


def test_whole_rows(batch):
    with mpmath.workdps(60):
        for row in range(6):
            z, y = exact_softmax(batch.x[row]), [mpmath.mpf(v) for v in batch.y[row]]
            defect = abs(mpmath.fsum(y) - 1)
            assert OF["sum_defect"](batch)[row] == pytest.approx(float(defect), rel=1e-12)
            distance = mpmath.fsum(abs(a - b) for a, b in zip(y, z, strict=True)) / 2
            assert OF["total_variation"](batch)[row] == pytest.approx(float(distance), rel=1e-9)
            divergence = mpmath.fsum(
                b * mpmath.log(b / a) for a, b in zip(y, z, strict=True) if a > 0
            )
            found = OF["kl_divergence"](batch)[row]
            assert found == pytest.approx(float(divergence), rel=1e-6, abs=1e-20)
    assert OF["wrongly_zero"](batch).tolist() == [1, 0, 0, 0, 0, 0]


@given(st.lists(st.lists(st.floats(-1e300, 1e300), min_size=5, max_size=5), min_size=1, max_size=4))
def test_the_parts_of_a_row_add_up_exactly(values):
    y = np.array(values)
    for row, parts in zip(values, exact_parts(y), strict=True):
        assert sum(map(Fraction, parts.tolist())) == sum(map(Fraction, row))


def test_order():
    x = np.array([[3.0, 2.0, 1.0], [3.0, 3.0, 1.0], [1.0, 2.0, np.nan], [1.0, 2.0, 3.0]])
    y = np.array([[0.2, 0.5, 0.3], [0.4, 0.4, 0.2], [0.6, 0.4, np.nan], [0.1, 0.1, 0.8]])
    batch = judged(x, y, judge(OPERATIONS["softmax"], x, FLOAT32))
    assert OF["order_inversions"](batch).tolist() == [2, 0, 1, 0]
    assert OF["argmax_flips"](batch)[[0, 1, 3]].tolist() == [1, 0, 0]
    assert np.isnan(OF["argmax_flips"](batch)[2])


@given(st.lists(st.integers(0, 9), max_size=40))
def test_inversions_are_the_pairs_out_of_order(rank):
    pairs = sum(a > b for a, b in itertools.combinations(rank, 2))
    assert count_inversions(np.array(rank, dtype=np.int64)) == pairs


def test_what_is_not_finite_is_no_number():
    x = np.array([[0.0, 1.0], [0.0, 1.0]])
    y = np.array([[np.nan, 0.7], [np.inf, 0.7]])
    batch = judged(x, y, judge(OPERATIONS["softmax"], x, FLOAT32))
    assert np.isnan(OF["max_ulp"](batch)[:, 0]).all()
    assert np.isnan(OF["sum_defect"](batch)).all()


ROWS = {
    "many that agree in sixteen bits": lambda rng: rng.normal(0, 1e-9, (6, 1000)) + [1.0],
    "ties": lambda rng: rng.integers(0, 9, (6, 1000)) / 8,
    "the widest span": lambda rng: rng.choice([-1.7e308, 1.7e308, 0.0], (6, 1000)),
    "one far from the rest": lambda rng: rng.normal(0, 1, (6, 1000)) + 1e12 * np.eye(6, 1000),
    "masked": lambda rng: np.where(
        rng.random((6, 1000)) < 0.3, -np.inf, rng.normal(0, 3, (6, 1000))
    ),
    "a row short enough to sort whole": lambda rng: rng.normal(0, 1, (6, 100)),
}


@pytest.mark.parametrize("rows", ROWS.values(), ids=ROWS)
def test_two_arrays_are_sorted_together(rows):
    x = rows(np.random.default_rng(0))
    y = np.random.default_rng(1).random(x.shape)
    for row, xs, ys in zip(range(len(x)), *sorted_together(x, y), strict=True):
        assert (xs == np.sort(x[row])).all()
        assert sorted(zip(xs, ys, strict=True)) == sorted(zip(x[row], y[row], strict=True))
