"""The weighted sum and its logarithm against mpmath, the screen against the arbiter."""

import mpmath
import numpy as np
import pytest
from softmax_harness.ground.errors import ScreenIsWrong
from softmax_harness.ground.formats import FORMATS
from softmax_harness.operations.screen import fine, full, light, middle, near, others, weighted
from softmax_harness.operations.screen.logarithm import log_of_one_and
from softmax_harness.operations.screen.moments import Weights
from softmax_harness.operations.screen.others import Rows

NAME = "logsumexp_weighted"


def exact_sum(x, b):
    """T of a row."""
    pairs = [(mpmath.mpf(p), mpmath.mpf(w)) for p, w in zip(x.tolist(), b.tolist(), strict=True)]
    top = max(p for p, w in pairs if w)
    return mpmath.fsum(w * mpmath.exp(p - top) for p, w in pairs if w)


@pytest.mark.parametrize("kernel", [light, middle, full])
@pytest.mark.parametrize("kind", ["positive", "both", "wide", "pieces"])
def test_the_sum_keeps_its_bound(kind, kernel, monkeypatch):
    rng = np.random.default_rng(2)
    x, b = rng.normal(0, 5, (6, 50)), rng.uniform(0.5, 2.0, (6, 50))
    b[:, 3] = 0.0
    if kind == "both":
        b = np.where(rng.random(b.shape) < 0.4, -b, b)
        b *= np.sign((b * np.exp(x)).sum(axis=-1, keepdims=True))
    if kind == "wide":
        b = b * 10.0 ** rng.uniform(-20, 120, b.shape)
    if kind == "pieces":
        monkeypatch.setattr(others, "BLOCK_ELEMENTS", 7)
        x, b = x[:1], b[:1]
    x[:, 3] = 900.0
    rows = Rows.of(np.where(b != 0.0, x, -np.inf), kernel)
    vector = Weights.of(rows, b)
    value, error = weighted._total(rows, vector)
    assert np.isfinite(error).all()
    with mpmath.workprec(600):
        for row in range(len(x)):
            exact = exact_sum(x[row], b[row])
            head, tail, exponent = (each[row, 0] for each in value)
            found = mpmath.mpf(float(head)) + mpmath.mpf(float(tail))
            found = mpmath.ldexp(found, int(exponent + vector.exponent[row, 0]))
            assert abs(found / exact - 1) < error[row, 0]


@pytest.mark.parametrize("kernel", [middle, fine])
def test_the_sum_keeps_its_bound_where_nothing_is_far(kernel):
    """Logits without weight may be the largest ones."""
    rng = np.random.default_rng(2)
    x, b = rng.normal(0, 5, (6, 50)), rng.uniform(0.5, 8.0, (6, 50))
    b *= np.where(rng.random(b.shape) < 0.3, -0.1, 1.0)
    b *= np.sign((b * np.exp(x)).sum(axis=-1, keepdims=True))
    b[1:, 3], x[2:, 3] = 0.0, 200.0
    grid = near.Grid.of(np.abs(b).max(axis=-1, keepdims=True))
    rows, vector, near_one = weighted._rows_and_weights(x, b, grid, kernel)
    assert near_one.beyond.tolist() == [False] * 2 + [True] * 4
    value, error = weighted._total(rows, vector, near_one)
    assert error.max() < (2.0**-66 if kernel is middle else 2.0**-80)
    with mpmath.workprec(600):
        for row in range(len(x)):
            exact = exact_sum(x[row], b[row])
            found = sum(mpmath.mpf(float(each[row, 0])) for each in value[:2])
            assert abs(found / exact - 1) < error[row, 0]


@pytest.mark.parametrize("dtype", FORMATS)
def test_the_screen_is_mpmath_on_every_family(dtype, assert_agrees_on_every_family):
    assert_agrees_on_every_family(NAME, dtype)


@pytest.mark.parametrize("dtype", FORMATS)
def test_nearly_nothing_is_left_to_mpmath(dtype, assert_agrees):
    format, rng = FORMATS[dtype], np.random.default_rng(3)
    x = rng.normal(0, 10, (60, 12)).astype(format.dtype).astype(float)
    b = rng.uniform(0.5, 2.0, x.shape) * np.where(rng.random(x.shape) < 0.2, -0.1, 1.0)
    left = assert_agrees(NAME, x, (b.astype(format.dtype),), format)
    assert left.sum() <= 2


def test_what_cancels_is_left_to_mpmath(assert_agrees):
    """The weighted sum, and the logarithm beside the largest logit."""
    x = np.array([[0.0, -1e-9, 3.0], [np.log(2.0), 0.0, 0.0], [1.0, 2.0, 0.5]])
    b = np.array([[1.0, -1.0, 0.0], [0.5, 2.0**-70, 0.0], [1.0, 1.0, 1.0]])
    left = assert_agrees(NAME, x, (b,), FORMATS["float64"])
    assert left.tolist() == [True, True, False]


def test_weights_of_every_size(assert_agrees):
    """Beyond 2**1000, below 2**-1000, and 2**900 apart, which stays open."""
    x, rng = np.zeros((3, 4)), np.random.default_rng(4)
    b = rng.uniform(1.0, 2.0, (3, 4)) * np.array([[2.0**1010], [2.0**-1020], [1.0]])
    b[2] *= np.array([1.0, 2.0**-950, 1.0, 1.0])
    left = assert_agrees(NAME, x, (b,), FORMATS["float64"])
    assert left.tolist() == [True, False, True]


def test_one_logit_of_weight_one_is_itself(assert_agrees):
    x, b = np.array([[3.3, 9.0], [-0.7, 80.0]]), np.array([[1.0, 0.0], [1.0, 0.0]])
    assert not assert_agrees(NAME, x, (b,), FORMATS["float64"]).any()


@pytest.mark.parametrize("dtype", FORMATS)
def test_what_weights_of_one_leave_is_known_however_near_to_1_the_sum_is(dtype, assert_agrees):
    x = np.array(
        [[0.0, -23.75], [0.0, -9.0], [-42.0, 0.0], [-0.5, 0.0], [2.5, 7.0], [-np.inf, 3.0]]
    )
    b = np.array([[1.0, 1.0], [1.0, 1.0], [1.0, 1.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    assert not assert_agrees(NAME, x, (b,), FORMATS[dtype]).any()


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
def test_sums_that_cancel_further_are_decided_by_the_next_kernel(dtype, assert_agrees):
    rng = np.random.default_rng(8)
    x, b = rng.normal(0, 1, (20, 9)), rng.uniform(0.5, 2.0, (20, 9))
    b[:, 0] = -(b * np.exp(x - x[:, :1]))[:, 1:].sum(axis=-1) * (1.0 - 2.0**-20)
    assert not assert_agrees(NAME, x, (b,), FORMATS[dtype]).any()


def test_rows_in_pieces(assert_agrees):
    rng = np.random.default_rng(5)
    values, weights = rng.normal(0, 3, 200), rng.uniform(0.5, 2.0, 7)
    x = values[rng.integers(0, 200, (1, 100_001))]
    b = weights[rng.integers(0, 7, x.shape)]
    x[0, [5, 70_000]] = -np.inf, 12.0
    assert not assert_agrees(NAME, x, (b,), FORMATS["float64"]).any()


def test_a_lying_logarithm_is_caught(monkeypatch, assert_agrees):
    def lying(y):
        log = log_of_one_and(y)
        return log._replace(tail=log.tail + log.head * 2.0**-60)

    rng = np.random.default_rng(6)
    x, b = rng.normal(0, 1, (20, 9)), rng.uniform(0.5, 1.0, (20, 9))
    monkeypatch.setattr(weighted, "log_of_one_and", lying)
    with pytest.raises(ScreenIsWrong):
        assert_agrees(NAME, x, (b,), FORMATS["float64"])


def test_a_lying_sum_is_caught(monkeypatch, assert_agrees):
    honest = weighted.weighted_sum

    def lying(*given):
        high, *others_ = honest(*given)
        return high * (1 + 2.0**-50), *others_

    rng = np.random.default_rng(6)
    x, b = rng.normal(0, 1, (20, 9)), rng.uniform(0.5, 1.0, (20, 9))
    monkeypatch.setattr(weighted, "weighted_sum", lying)
    with pytest.raises(ScreenIsWrong):
        assert_agrees(NAME, x, (b,), FORMATS["float64"])


def test_rows_whose_result_is_fixed_are_left_out(assert_agrees):
    rng = np.random.default_rng(7)
    x, b = rng.normal(0, 1, (6, 9)), rng.uniform(0.5, 1.0, (6, 9))
    b[1], b[3], b[4, 2] = -b[1], 0.0, np.nan
    assert not assert_agrees(NAME, x, (b,), FORMATS["float64"]).any()
    fixed = np.array([[False], [True], [False], [True], [True], [False]])
    expected = np.where(fixed, np.nan, 0.0)
    found = weighted.logsumexp_weighted(x, b, fixed, expected, FORMATS["float64"])
    assert np.isnan(found.truth.rounded[fixed]).all()
    assert np.isfinite(found.truth.rounded[~fixed]).all()
