"""Label smoothing's distances against mpmath, its screen against the arbiter."""

from fractions import Fraction

import mpmath
import numpy as np
import pytest
from softmax_harness.ground.errors import ScreenIsWrong
from softmax_harness.ground.formats import FORMATS
from softmax_harness.operations.screen import full, others, smoothing
from softmax_harness.operations.screen.others import Rows
from softmax_harness.operations.screen.smoothing import (
    DISTANCE_ERROR,
    distance,
    exact_distance,
)

NAME = "label_smoothing"
EPS = np.array([0.0, 0.1, 0.5, 1.0, 1e-5, 0.3])[:, None]
TARGET = np.arange(6)


def rows_of(kind, rng):
    """Six rows of fifty."""
    x = rng.normal(0, 3, (6, 50))
    if kind == "of both signs and all sizes":
        x = x * 10.0 ** rng.uniform(-30, 30, x.shape)
    if kind == "far from 0":
        x += 2.0**40
    if kind == "equal":
        x[:] = 1.5
    return x


@pytest.mark.parametrize("pieces", [False, True])
@pytest.mark.parametrize("kind", ["usual", "of both signs and all sizes", "far from 0", "equal"])
def test_the_distances_are_right_relative_to_themselves(kind, pieces, monkeypatch):
    if pieces:
        monkeypatch.setattr(others, "BLOCK_ELEMENTS", 7)
    x = rows_of(kind, np.random.default_rng(1))
    step = 1 if pieces else 6
    for start in range(0, 6, step):
        part = slice(start, start + step)
        found = distance(Rows.of(x[part], full), TARGET[part, None], EPS[part])
        with mpmath.workprec(400):
            for row, high, low in zip(range(6)[part], *found, strict=True):
                own = [mpmath.mpf(value) for value in x[row].tolist()]
                top, eps = max(own), mpmath.mpf(float(EPS[row, 0]))
                mean = mpmath.fsum(top - value for value in own) / len(own)
                exact = (1 - eps) * (top - own[row]) + eps * mean
                error = abs(mpmath.mpf(float(high[0])) + mpmath.mpf(float(low[0])) - exact)
                assert error <= DISTANCE_ERROR * exact


@pytest.mark.parametrize("dtype", FORMATS)
def test_the_screen_is_mpmath_on_every_family(dtype, assert_agrees_on_every_family):
    assert_agrees_on_every_family(NAME, dtype)


@pytest.mark.parametrize("dtype", FORMATS)
def test_nearly_nothing_is_left_to_mpmath(dtype, assert_agrees):
    format, rng = FORMATS[dtype], np.random.default_rng(3)
    x = rng.normal(0, 10, (60, 12)).astype(format.dtype).astype(float)
    eps = np.resize(EPS, (60, 1)).astype(format.dtype)
    left = assert_agrees(NAME, x, (rng.integers(0, 12, 60), eps), format)
    assert left.sum() <= 2


@pytest.mark.parametrize("dtype", FORMATS)
def test_without_smoothing_a_middle_is_decided_by_sign(dtype, assert_agrees):
    """a - x_t is exact and L tiny: every bit of it counts, and none of its size."""
    p = FORMATS[dtype].precision
    gaps = [30.0, 60.0, 700.0, 1500.0, 2.0**15]
    x = [[64.0, 64.0 - gap, odd] for gap in gaps for odd in (2.0**-p * 40, 0.0, -64.0, -0.75)]
    x = np.array(x).astype(FORMATS[dtype].dtype).astype(float)
    operands = (np.arange(len(x)) % 3, np.zeros((len(x), 1)))
    assert not assert_agrees(NAME, x, operands, FORMATS[dtype]).any()


def pairs(rng, rows=400):
    """Two logits in either order, whose difference is a float64."""
    apart = rng.uniform(30.0, 690.0, rows)
    apart[::3] = np.round(apart[::3])
    top = np.where(np.arange(rows) % 3, 0.0, 64.0)
    x = np.stack([top, top - apart], axis=-1)
    return np.where(rng.random((rows, 1)) < 0.5, x, x[:, ::-1])


@pytest.mark.parametrize("eps", [0.25, 0.5, 1.0])
def test_of_two_logits_a_middle_is_decided_by_sign(eps, assert_agrees):
    """3/4 of a distance often lies in the middle between two numbers, and L below is tiny."""
    rng = np.random.default_rng(7)
    x = pairs(rng)
    x = np.concatenate([x, [[0.0, -np.inf], [np.nan, 0.0]]])  # beside which they are the same
    operands = (rng.integers(0, 2, len(x)), np.full((len(x), 1), eps))
    assert not assert_agrees(NAME, x, operands, FORMATS["float64"]).any()


@pytest.mark.parametrize("eps", [0.0, 0.1, 0.25, 0.3, 0.5, 1.0])
def test_a_distance_of_two_is_exact_where_it_is_said_to_be(eps):
    rng = np.random.default_rng(8)
    x = np.concatenate([pairs(rng), rng.normal(0.0, 3.0, (100, 2))])
    target, epsilon = rng.integers(0, 2, (len(x), 1)), np.full((len(x), 1), eps)
    (high, low), is_exact = exact_distance(Rows.of(x, full), target, epsilon)
    for row in np.flatnonzero(is_exact).tolist():
        a, e = Fraction(x[row].max()), Fraction(eps)
        losses = [a - Fraction(value) for value in x[row].tolist()]
        exact = (1 - e) * losses[target[row, 0]] + e * sum(losses) / 2
        assert Fraction(high[row, 0]) + Fraction(low[row, 0]) == exact
    assert is_exact.any() == (eps not in (0.1, 0.3))


def test_what_the_bound_is_not_proved_for_is_left_to_mpmath(assert_agrees):
    x = np.array([[1.0, 2.0, 3.0], [-1e308, 1e308, 0.0], [1e308, 1e308, -1e308]])
    operands = (np.array([0, 0, 2]), np.array([[-0.5], [0.1], [0.1]]))
    assert assert_agrees(NAME, x, operands, FORMATS["float64"]).all()


def test_rows_in_pieces(assert_agrees):
    rng = np.random.default_rng(5)
    values = rng.normal(0, 3, 200)
    x = values[rng.integers(0, 200, (1, 100_001))]
    operands = (np.array([77_777]), np.array([[0.1]]))
    assert not assert_agrees(NAME, x, operands, FORMATS["float64"]).any()


def test_a_lying_distance_is_caught(monkeypatch, assert_agrees):
    def lying(*given):
        head, low = distance(*given)
        return head, low + head * 2.0**-70

    x = np.random.default_rng(6).normal(0, 1, (6, 9))
    monkeypatch.setattr(smoothing, "distance", lying)
    with pytest.raises(ScreenIsWrong):
        assert_agrees(NAME, x, (TARGET, EPS), FORMATS["float64"])
