"""The logarithm and the sum of the others stage by stage, the screens against the arbiter."""

import mpmath
import numpy as np
import pytest
from softmax_harness.ground.errors import ScreenIsWrong
from softmax_harness.ground.formats import FORMATS
from softmax_harness.operations import OPERATIONS, Problem
from softmax_harness.operations.screen import full, light, logs, others
from softmax_harness.operations.screen.logarithm import LOG_ERROR, Scaled, log_of_one_and
from softmax_harness.operations.screen.others import Rows, sums_of
from softmax_harness.truth import arbitrate

NAMES = ["log_softmax", "logsumexp", "cross_entropy"]


def number(scaled, row):
    """The exact number that a `Scaled` has in a row."""
    head, tail, exponent = (each[row, 0] for each in scaled)
    return mpmath.ldexp(mpmath.mpf(float(head)) + mpmath.mpf(float(tail)), int(exponent))


def test_the_logarithm_keeps_its_bound_however_small_it_is():
    rng = np.random.default_rng(1)
    head = np.concatenate([rng.uniform(1, 2, 400), [1.0, 1.0, 1.5]])[:, None]
    tail = head * rng.uniform(-1, 1, head.shape) * 2.0**-54
    exponent = np.concatenate([rng.integers(-30, 26, 300), rng.integers(-2020, -30, 103)])[:, None]
    found = log_of_one_and(Scaled(head, tail, exponent))
    assert (found.exponent <= 0).all()
    with mpmath.workprec(2400):
        for row in range(len(head)):
            exact = mpmath.log1p(number(Scaled(head, tail, exponent), row))
            assert abs(number(found, row) / exact - 1) < LOG_ERROR / 2


def rows_of(kind, rng):
    """Rows whose others are anything from as large as the largest to nothing."""
    x = rng.normal(0, 3, (6, 50))
    if kind == "saturated":
        x[:, 7] = [30, 100, 400, 800, 1300, 50]
    if kind == "masked":
        x[rng.random(x.shape) < 0.5] = -np.inf
        x[:, 3] = 60.0
    return x


@pytest.mark.parametrize("kernel", [light, full])
@pytest.mark.parametrize("kind", ["usual", "saturated", "masked", "pieces"])
def test_the_sum_of_the_others_is_right_relative_to_itself(kind, kernel, monkeypatch):
    x = rows_of(kind, np.random.default_rng(2))
    if kind == "pieces":
        monkeypatch.setattr(others, "BLOCK_ELEMENTS", 7)
        x = x[:1]
    found = sums_of(Rows.of(x, kernel)).ratio
    with mpmath.workprec(300):
        for row, values in enumerate(np.sort(x).tolist()):
            top = mpmath.mpf(values[-1])
            exact = mpmath.fsum(mpmath.exp(value - top) for value in values[:-1])
            assert abs(number(found, row) / exact - 1) < kernel.RELATIVE_ERROR


@pytest.mark.parametrize("dtype", FORMATS)
@pytest.mark.parametrize("name", NAMES)
def test_the_screen_is_mpmath_on_every_family(name, dtype, assert_agrees_on_every_family):
    assert_agrees_on_every_family(name, dtype)


def operands_of(name, x):
    return (np.arange(len(x)) % x.shape[-1],) if name == "cross_entropy" else ()


@pytest.mark.parametrize("dtype", FORMATS)
@pytest.mark.parametrize("name", NAMES)
def test_middles_and_powers_of_two_are_decided_by_sign(name, dtype, assert_agrees):
    """x - a is exact and L tiny: every bit of it counts, and none of its size."""
    p = FORMATS[dtype].precision
    gaps = [30.0, 60.0, 700.0, 1500.0, 2.0**15]
    x = np.array(
        [[64.0, 64.0 - gap, odd] for gap in gaps for odd in (2.0**-p * 40, 0.0, -64.0, -0.75)]
    )
    x = x.astype(FORMATS[dtype].dtype).astype(float)
    assert not assert_agrees(name, x, operands_of(name, x), FORMATS[dtype]).any()
    assert not assert_agrees(name, -x[:, ::-1], operands_of(name, x), FORMATS[dtype]).any()


def test_a_sum_of_exponentials_near_one_is_left_to_mpmath(assert_agrees):
    x = np.array([[-np.log(2.0), -np.log(2.0)], [-1.0, np.log1p(-np.exp(-1.0))], [0.0, 1.0]])
    left = assert_agrees("logsumexp", x, (), FORMATS["float64"])
    assert left.tolist() == [True, True, False]


@pytest.mark.parametrize("dtype", ["float16", "float64"])
def test_the_only_logit_that_counts_is_the_result_or_rounds_to_it(dtype, assert_agrees):
    rows = [[3.5, -np.inf], [-np.inf, -(2.0**-14)], [-np.inf, 0.0], [3.3, -np.inf]]
    left = assert_agrees("logsumexp", np.array(rows), (), FORMATS[dtype])
    assert not left[:3].any()  # 3.3 is no number of float16
    assert not assert_agrees("logsumexp", np.array([[3.5], [-0.0]]), (), FORMATS[dtype]).any()


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("name", NAMES)
def test_what_rounds_to_0_has_the_sign_of_what_it_is(name, dtype):
    x = np.array([[0.0, -700.0], [0.0, -1500.0], [-6e4, 0.0], [0.0, -np.inf]])
    operands = (x.argmax(axis=-1),) if name == "cross_entropy" else ()
    problem = Problem.of(OPERATIONS[name], FORMATS[dtype])
    fixed, expected = problem.special_values(x, operands)
    screened = problem.operation.screen(x, operands, fixed, expected, problem.output_format)
    exact = arbitrate(problem, x, operands)
    zero = exact.rounded == 0.0
    assert zero.any()
    found, right = (np.sign(each.offset[zero]) for each in (screened.truth, exact))
    np.testing.assert_array_equal(found, right)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", NAMES)
def test_rows_in_pieces(name, dtype, assert_agrees):
    rng = np.random.default_rng(5)
    values = rng.normal(0, 3, 200).astype(dtype).astype(float)
    x = values[rng.integers(0, 200, (1, 200_001))]
    x[0, [5, 70_000]] = -np.inf, 12.0
    operands = (np.array([123_456]),) if name == "cross_entropy" else ()
    assert not assert_agrees(name, x, operands, FORMATS[dtype]).any()


@pytest.mark.parametrize("name", NAMES)
def test_a_lying_logarithm_is_caught(name, monkeypatch, assert_agrees):
    def lying(y):
        log = log_of_one_and(y)
        return log._replace(tail=log.tail * (1 + 2.0**-10))

    x = np.random.default_rng(6).normal(0, 1, (20, 9))
    monkeypatch.setattr(logs, "log_of_one_and", lying)
    with pytest.raises(ScreenIsWrong):
        assert_agrees(name, x, operands_of(name, x), FORMATS["float64"])
