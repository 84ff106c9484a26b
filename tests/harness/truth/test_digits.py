"""Exact values in decimal digits."""

from fractions import Fraction

import mpmath
import numpy as np
import pytest
from softmax_harness.ground.formats import FORMATS
from softmax_harness.operations import OPERATIONS, Policy, Problem
from softmax_harness.truth.digits import DIGITS, digits, exact_digits


def problem(name="softmax", **how):
    return Problem.of(OPERATIONS[name], FORMATS["float64"], **how)


@pytest.mark.parametrize("row", [[0.0, -1.0], [2.5, -700.0, 2.0], [0.1, 0.2, -1e4]])
def test_all_digits_of_a_result_are_right(row):
    with mpmath.workdps(60):
        exponentials = [mpmath.exp(mpmath.mpf(x)) for x in row]
        total = mpmath.fsum(exponentials)
        for index, exponential in enumerate(exponentials):
            shown = exact_digits(problem(), np.array(row), index)
            # Half a unit of the last of its significant digits.
            assert (
                abs(mpmath.mpf(shown) / (exponential / total) - 1) <= 5 * mpmath.mpf(10) ** -DIGITS
            )


def test_an_operand_is_taken():
    logits, label = np.array([0.0, np.log(3.0)]), np.array(0)
    shown = exact_digits(problem("cross_entropy"), logits, 0, (label,))
    assert float(shown) == pytest.approx(np.log(4.0), rel=1e-15)


def test_what_the_policy_fixes_is_said():
    masked, undefined = np.array([0.0, -np.inf]), np.array([np.nan, 0.0])
    assert exact_digits(problem(), masked, 1) == "0.0"
    assert exact_digits(problem(), masked, 0) == "1.0"
    assert exact_digits(problem(), undefined, 0) == "nan"
    assert exact_digits(problem(policy=Policy(nan="any")), undefined, 0) is None


def test_digits_are_rounded():
    assert digits(mpmath.mpf(2) / 3, 3) == "0.667"
    assert digits(mpmath.mpf("0.5")) == "0.5"


@pytest.mark.parametrize("scale", [1e-10, 1e-30, 1e-60, 1e-300])
def test_they_are_right_where_a_result_cancels(scale):
    """Of next to equal logits and a constant v, log_softmax's gradient is -v (x_i - mean x)."""
    x, v = np.array([1.0, -2.0, 3.0]) * scale, np.full(3, 0.25)
    own = [Fraction(each) for each in x]
    for place, each in enumerate(own):
        shown = Fraction(exact_digits(problem("log_softmax_gradient"), x, place, (v,)))
        first_order = -(each - sum(own) / 3) / 4
        assert abs(shown / first_order - 1) < 9 * scale + 1e-24
