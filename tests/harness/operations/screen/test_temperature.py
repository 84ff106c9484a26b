"""The quotient (x - a) / T as two float64, and the screens that are softmax's on other logits."""

from fractions import Fraction

import numpy as np
import pytest
from softmax_harness.ground.formats import FORMATS
from softmax_harness.operations.screen.arguments import QUOTIENT_ERROR, quotient


def test_the_quotient_is_right_to_its_share_of_the_bound():
    rng = np.random.default_rng(3)
    x = rng.normal(0, 1, (60, 40)) * 2.0 ** rng.integers(-40, 10, (60, 1))
    temperature = rng.uniform(0.5, 2, (60, 1)) * 2.0 ** rng.integers(-30, 30, (60, 1))
    top = x.max(axis=-1, keepdims=True)
    high, low = quotient(temperature)(x, top)
    for row in range(60):
        for place in range(40):
            exact = (Fraction(x[row, place]) - Fraction(top[row, 0])) / Fraction(
                temperature[row, 0]
            )
            found = Fraction(high[row, place]) + Fraction(low[row, place])
            if exact < -1400:
                assert found == -1400
            else:
                assert abs(found - exact) <= abs(exact) * Fraction(2) ** -104
    assert QUOTIENT_ERROR > (1400 * 2.0**-104)


@pytest.mark.parametrize("dtype", FORMATS)
@pytest.mark.parametrize("name", ["softmax_masked", "softmax_temperature"])
def test_the_screen_is_mpmath_on_every_family(name, dtype, assert_agrees_on_every_family):
    assert_agrees_on_every_family(name, dtype)


@pytest.mark.parametrize("temperature", [5e-324, 1e-300, 1e-3, 7.0, 1e300, 2.0**1000, 1.7e308])
def test_extreme_temperatures(temperature, assert_agrees):
    x = np.random.default_rng(4).normal(0, 1e-2, (3, 5)) * np.array([[1.0], [1e3], [1e308]])
    x[2, :2] = [-1.7e308, 1.7e308]
    assert_agrees("softmax_temperature", x, (np.full((3, 1), temperature),), FORMATS["float64"])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_rows_in_pieces_have_their_temperature(dtype, assert_agrees):
    rng = np.random.default_rng(5)
    values = rng.normal(0, 3, 200).astype(dtype).astype(float)
    x = values[rng.integers(0, 200, (1, 100_000))]
    left = assert_agrees("softmax_temperature", x, (np.array([[0.7]]),), FORMATS[dtype])
    assert not left.any()
    kept = rng.random(x.shape) < 0.6
    assert not assert_agrees("softmax_masked", x, (kept,), FORMATS[dtype]).any()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_power_of_two_of_largest_logits_beside_next_to_nothing_is_decided(dtype, assert_agrees):
    """In rows of one piece and of several: each of the 16 is below 1/16 by less than is seen."""
    rng = np.random.default_rng(6)
    values = rng.normal(0, 1, 200).astype(dtype).astype(float)
    for n in (1000, 100_000):
        x = values[rng.integers(0, 200, (1, n))]
        x[0, np.linspace(0, n - 1, 16).astype(int)] = 9.0
        left = assert_agrees("softmax_temperature", x, (np.array([[0.001]]),), FORMATS[dtype])
        assert not left.any()
