"""Each metric against its definition, written out in plain Python and mpmath."""

import itertools
import math
from fractions import Fraction

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from softmax_harness.ground.formats import FORMATS
from softmax_harness.judgement.metrics import METRICS, batch_of, least_near
from softmax_harness.judgement.metrics.order import (
    _row_inversions,
    count_inversions,
    sorted_together,
)
from softmax_harness.judgement.metrics.rows import exact_parts
from softmax_harness.operations import OPERATIONS, Problem
from softmax_harness.truth import arbitrate, exact_results

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
    truth = arbitrate(Problem.of(OPERATIONS["softmax"], FLOAT32), x)
    y = (truth.rounded * (1 + rng.normal(0, 1e-6, x.shape))).astype(np.float32).astype(float)
    y[0, 0] = 0.0
    return batch_of(x, y, truth)


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
                input_sensitivity = sum(
                    abs(z[i] * ((1 if i == j else 0) - z[j])) * half[j] for j in range(9)
                )
                scale = max(input_sensitivity, ulp(z[i], FLOAT32) / 2)
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
    batch = batch_of(x, y, arbitrate(Problem.of(OPERATIONS["softmax"], FLOAT32), x))
    assert OF["order_inversions"](batch).tolist() == [2, 0, 1, 0]
    assert OF["argmax_flips"](batch)[[0, 1, 3]].tolist() == [1, 0, 0]
    assert np.isnan(OF["argmax_flips"](batch)[2])


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=40))
def test_inversions_are_counted_among_those_that_have_any(pairs):
    x, y = np.array(pairs, dtype=float).T
    inverted = sum((a - c) * (b - d) < 0 for (a, b), (c, d) in itertools.combinations(pairs, 2))
    assert _row_inversions(x, y) == inverted


@given(st.lists(st.integers(0, 9), max_size=40))
def test_inversions_are_the_pairs_out_of_order(rank):
    pairs = sum(a > b for a, b in itertools.combinations(rank, 2))
    assert count_inversions(np.array(rank, dtype=np.int64)) == pairs


def test_what_is_not_finite_is_no_number():
    x = np.array([[0.0, 1.0], [0.0, 1.0]])
    y = np.array([[np.nan, 0.7], [np.inf, 0.7]])
    batch = batch_of(x, y, arbitrate(Problem.of(OPERATIONS["softmax"], FLOAT32), x))
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
    "a long row": lambda rng: rng.normal(0, 1, (2, 1 << 14)),
    "a long row, many that agree in 32 bits": lambda rng: (
        np.where(np.arange(1 << 14) % 2, 1e-12, 1.0) * rng.random((1, 1 << 14)) + [1e3]
    ),
    "a long row of the widest span": lambda rng: rng.choice([-1.7e308, 1.7e308], (1, 1 << 14)),
    "a long row of equal logits": lambda rng: np.zeros((1, 1 << 14)),
    "a long masked row": lambda rng: np.where(np.arange(1 << 14) < 9, -np.inf, rng.random(1 << 14))[
        None
    ],
    "a row short enough to sort whole": lambda rng: rng.normal(0, 1, (6, 100)),
}


@pytest.mark.parametrize("rows", ROWS.values(), ids=ROWS)
def test_two_arrays_are_sorted_together(rows):
    x = rows(np.random.default_rng(0))
    y = np.random.default_rng(1).random(x.shape)
    for row, xs, ys in zip(range(len(x)), *sorted_together(x, y), strict=True):
        assert (xs == np.sort(x[row])).all()
        assert sorted(zip(xs, ys, strict=True)) == sorted(zip(x[row], y[row], strict=True))


def many_kinds(rng):
    """Inputs that lean on every bound: flat, steep, tied, masked, equal, few distinct outputs."""
    x = rng.normal(0, 3, (40, 100))
    yield from (x, x / 300, x * 30, np.round(x), rng.normal(0, 3, (3, 4000)))
    yield np.where(rng.random(x.shape) < 0.2, -np.inf, x)
    yield np.where(rng.random(x.shape) < 0.001, np.nan, x)
    yield np.concatenate([x, np.zeros((1, 100)), x + 50 * np.eye(40, 100)])


def disturbed(y, rng):
    """Outputs as they are, a little and much too large, in wrong order, and no outputs at all."""
    odd = rng.random(y.shape)
    worse = np.where(odd < 0.01, y * 1.01, y)
    lost = np.select([odd < 0.003, odd < 0.006, odd < 0.009], [0.0, np.nan, -1.0], y)
    return y, worse, y[:, ::-1], np.where(odd < 0.001, 2.0, lost), np.full(y.shape, 1e300)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", FORMATS)
def test_the_rows_left_out_decide_nothing(name):
    """The maximum, the row and place it stands at, and the sum are those over all rows."""
    format, rng = FORMATS[name], np.random.default_rng(7)
    for x in many_kinds(rng):
        x = x.astype(format.dtype).astype(float)
        truth = exact_results(Problem.of(OPERATIONS["softmax"], format), x).truth
        with np.errstate(invalid="ignore"):
            e = np.exp(x - x.max(axis=-1, keepdims=True))
            y = (e / e.sum(axis=-1, keepdims=True)).astype(format.dtype).astype(float)
        for outputs in disturbed(y, rng):
            batch = batch_of(x, np.ascontiguousarray(outputs), truth)
            for metric in METRICS:
                rows, values = metric.deciding(batch)
                whole = metric.of(batch)
                assert np.array_equal(values, whole[rows], equal_nan=True)
                if metric.combine == "sum":
                    assert np.nansum(values) == np.nansum(whole)
                    continue
                top = float(np.fmax.reduce(whole, axis=None))
                others = np.delete(whole, rows, axis=0)
                assert not (others >= least_near(top, metric.blur)).any(), metric.name
                assert np.isnan(top) or (values == top).any()


def test_a_good_softmax_leaves_few_rows_to_the_dear_formulas():
    """Otherwise the bounds would be right and of no use."""
    x = 3 * np.random.default_rng(0).standard_normal((60, 1000))
    truth = exact_results(Problem.of(OPERATIONS["softmax"], FORMATS["float64"]), x).truth
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    batch = batch_of(x, e / e.sum(axis=-1, keepdims=True), truth)
    seen = {metric.name: len(metric.deciding(batch)[0]) for metric in METRICS}
    assert seen.pop("argmax_flips") == 60  # which costs next to nothing
    assert max(seen.values()) <= 15, seen
