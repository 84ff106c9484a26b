"""The weighted sum and its logarithm against mpmath, the screen against the arbiter."""

import mpmath
import numpy as np
import pytest
from softmax_harness.ground.errors import ScreenIsWrong
from softmax_harness.ground.formats import FORMATS
from softmax_harness.operations.screen import full, light, middle, others, weighted
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
