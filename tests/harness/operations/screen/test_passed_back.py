"""The screens of what passes back through log_softmax and logsumexp, against the arbiter."""

from fractions import Fraction

import numpy as np
import pytest
from softmax_harness.ground.errors import ScreenIsWrong
from softmax_harness.ground.formats import FORMATS
from softmax_harness.operations.screen import others, passed_back
from softmax_harness.operations.screen.passed_back import Sum

NAMES = ["log_softmax_gradient", "logsumexp_gradient"]
FLOAT64 = FORMATS["float64"]


def operands_of(name, x, rng):
    if name == "logsumexp_gradient":
        return (rng.normal(0, 1, (len(x), 1)),)
    v = rng.normal(0, 1, x.shape)
    v[0] = np.arange(x.shape[-1]) == x[0].argmax()
    return (v,)


@pytest.mark.parametrize("dtype", FORMATS)
@pytest.mark.parametrize("name", NAMES)
def test_the_screen_is_mpmath_on_every_family(name, dtype, assert_agrees_on_every_family):
    assert_agrees_on_every_family(name, dtype)


@pytest.mark.parametrize("n", [1, 2, 7, 1000])
def test_the_sum_of_v_is_right_within_its_bound(n):
    rng = np.random.default_rng(n)
    v = rng.normal(0, 1, (20, n)) * 2.0 ** rng.integers(-60, 60, (20, n))
    v[0] = np.arange(n) == n - 1
    found = Sum.of(v)
    assert found.error[0, 0] == 0.0 and found.head[0, 0] == 1.0
    for row in range(len(v)):
        exact = sum(map(Fraction, v[row].tolist()))
        near = Fraction(found.head[row, 0]) + Fraction(found.tail[row, 0])
        assert abs(near - exact) <= Fraction(found.error[row, 0])


@pytest.mark.parametrize("dtype", FORMATS)
def test_the_class_of_a_saturated_row_has_all_its_digits(dtype, assert_agrees):
    """v = -1 there: z is s - 1, minus the sum of the others over that of all."""
    gaps = [5.0, 30.0, 80.0, 700.0, 1300.0]
    x = np.array([[gap, 0.0, -1.0, 0.0] for gap in gaps])
    v = np.zeros(x.shape)
    v[:, 0] = -1.0
    assert not assert_agrees("log_softmax_gradient", x, (v,), FORMATS[dtype]).any()


def test_zeros_are_decided_and_what_cancels_exactly_is_left_to_mpmath(assert_agrees):
    x = np.array([[0.0, 1.0, 2.0], [0.0, 1.0, 2.0], [1.0, 1.0, 1.0], [1.0, 1.0, 1.0]])
    v = np.array([[0.0, 0.0, 0.0], [1.0, -1.0, 0.0], [1.0, 0.0, 0.0], [1.0, 0.0, 2.0]])
    left = assert_agrees("log_softmax_gradient", x, (v,), FLOAT64)
    assert left.tolist() == [False, False, False, True]
    left = assert_agrees("logsumexp_gradient", x[:3], (np.array([[0.0], [3.0], [3.0]]),), FLOAT64)
    assert left.tolist() == [False, False, True]


@pytest.mark.parametrize("dtype", FORMATS)
def test_of_one_two_or_four_equal_logits_what_is_a_number_is_decided(dtype, assert_agrees):
    inf = np.inf
    x = np.array([[2.0, -inf, -inf, -inf, -inf], [-inf, 2.0, 2.0, -inf, -inf], [2.0] * 4 + [-inf]])
    v = np.array([[0.5, 0.5, 0.0, -0.0, 1.0], [1.0, 0.0, -1.0, 2.0, 4.0], [4.0, -2.0, 1.0, 0.0, 1]])
    assert not assert_agrees("log_softmax_gradient", x, (v,), FORMATS[dtype]).any()


GAPS = [20.0, 45.0, 130.0, 700.0, 1300.0, 1e30]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("g", [1.0, -4096.0, 2.0**-40, 0.1])
def test_saturated_rows_are_decided_next_to_g(dtype, g, assert_agrees):
    """At the largest logit z is next to g, a power of two or not, and nearer to 0."""
    x = np.array([[0.0, gap, 0.0] for gap in GAPS])
    operands = (np.full((len(GAPS), 1), np.float64(FORMATS[dtype].dtype.type(g))),)
    assert not assert_agrees("logsumexp_gradient", x, operands, FORMATS[dtype]).any()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "v",
    [
        [0.0, 0.0, -1.0],  # z is next to 1 at the largest logit
        [0.5, 0.5, 0.0],  # next to -1/2 there, and next to 1/2 elsewhere
        [1.0, 2.0, 1.0 + 2.0**-23],  # a sum between two numbers of float32
        [2.0**120, 0.0, 0.0],  # beside which next to nothing underflows
        # v - V is the middle between two numbers of float64, of which the sign of V decides.
        [1.0, 3.0, 2.0**-53],
        [1.0, -3.0, 2.0**-53],
        [-1.0, 3.0, -(2.0**-53)],
        [-1.0 - 2.0**-52, -3.0, -(2.0**-53)],
    ],
)
def test_saturated_rows_are_decided_next_to_v(dtype, v, assert_agrees):
    x = np.array([[0.0, gap, 0.0] for gap in GAPS])
    operands = (np.tile(v, (len(GAPS), 1)),)
    assert not assert_agrees("log_softmax_gradient", x, operands, FORMATS[dtype]).any()


@pytest.mark.parametrize("name", NAMES)
def test_rows_in_pieces(name, monkeypatch, assert_agrees):
    rng = np.random.default_rng(5)
    x = rng.normal(0, 3, (1, 50))
    x[0, [5, 20]] = -np.inf, 12.0
    monkeypatch.setattr(others, "BLOCK_ELEMENTS", 7)
    assert not assert_agrees(name, x, operands_of(name, x, rng), FLOAT64).any()


def test_a_g_of_any_size_is_taken(assert_agrees):
    x = np.random.default_rng(6).normal(0, 300, (6, 9))
    g = np.array([[5e-324], [2.0**-1022], [1e-200], [3.0], [-1e200], [1.7e308]])
    assert not assert_agrees("logsumexp_gradient", x, (g,), FLOAT64).any()


def test_a_lying_sum_is_caught(monkeypatch, assert_agrees):
    def lying(v):
        found = of(v)
        return found._replace(tail=found.tail + 2.0**-60)

    of = Sum.of
    rng = np.random.default_rng(6)
    x = rng.normal(0, 1, (20, 9))
    monkeypatch.setattr(passed_back.Sum, "of", staticmethod(lying))
    with pytest.raises(ScreenIsWrong):
        assert_agrees(
            "log_softmax_gradient", x, operands_of("log_softmax_gradient", x, rng), FLOAT64
        )


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_rows_of_one_logit_are_decided_and_lying_ones_are_caught(dtype, assert_agrees, monkeypatch):
    """All v but one stand as they are; of that the others' sum is due, ties and zeros included."""
    format, rng = FORMATS[dtype], np.random.default_rng(7)
    v = format.stored(rng.normal(0, 1, (400, 6)) * 2.0 ** rng.integers(-9, 9, (400, 6)))
    v = v.astype(float)
    v[:100, 2:] = 0.0
    v[:50, 0] = v[:50, 1]
    u = format.unit_roundoff
    v[100:200, 1:] = [1.0, u, 0.0, 0.0, 0.0]  # the middle between two numbers
    v[150:200, 3] = rng.choice([-1.0, 1.0], 50) * 2.0**-60
    v[200:210, 1:] = [1.0, -1.0, 2.0, -2.0, 0.0]
    x = np.full(v.shape, -np.inf)
    x[:, 0] = rng.normal(0, 100, len(x))
    x = np.concatenate([x, np.repeat(rng.normal(0, 3, (20, 1)), 6, axis=1)])
    v = np.concatenate([v, np.repeat(format.stored(rng.normal(0, 3, (20, 1))), 6, axis=1)])
    left = assert_agrees("log_softmax_gradient", x, (v.astype(float),), format)
    others = np.delete(left, slice(100, 150))  # what is exactly in the middle is mpmath's
    assert others.mean() < 0.01 and not left[400:].any()
    monkeypatch.setattr(passed_back, "_less_known", lambda *given: np.zeros(len(given[3]), bool))
    with pytest.raises(ScreenIsWrong):
        assert_agrees("log_softmax_gradient", x, (v.astype(float),), format)


@pytest.mark.parametrize("dtype", FORMATS)
def test_what_cancels_but_for_next_to_nothing_is_left_open_or_right(dtype, assert_agrees):
    """m equal logits, one far below, v the same at these: z is v less m v over m and a little."""
    rng = np.random.default_rng(8)
    for m in (3, 5, 6, 7, 11, 13):
        x = np.repeat(rng.normal(0, 3, (40, 1)), m + 1, axis=1)
        x[:, m] -= np.linspace(10.0, 50.0, 40)
        v = np.repeat(rng.choice([-1.0, 1.0], (40, 1)) * rng.uniform(0.5, 8, (40, 1)), m + 1, 1)
        v[:, m] = 0.0
        v = FORMATS[dtype].stored(v).astype(float)
        assert_agrees("log_softmax_gradient", x, (v,), FORMATS[dtype])
