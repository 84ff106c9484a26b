"""Results next to powers of two and to middles, where the ulp and the rounding change."""

import numpy as np
import pytest
from softmax_harness.ground.formats import FORMATS


@pytest.mark.parametrize("dtype", FORMATS)
def test_what_lies_just_below_a_power_of_two_has_the_smaller_ulp(dtype, assert_agrees):
    """1/2 - 2**-k rounds to 1/2 in float64 from k = 55 on, but lies in the binade below."""
    below = -(2.0 ** -np.arange(48.0, 100.0))
    x = np.stack([np.append(below, -below), np.zeros(104)], axis=-1)
    assert not assert_agrees("softmax", x, (), FORMATS[dtype])[6:8].any()


@pytest.mark.parametrize("dtype", FORMATS)
def test_what_lies_just_beyond_a_middle_next_to_a_power_of_two_is_seen(dtype, assert_agrees):
    """-m - log(1 + tiny): m the middle between two numbers, one of them a power of two."""
    format = FORMATS[dtype]
    tops = 2.0 ** np.arange(3, min(format.emax, 30))
    u = format.unit_roundoff
    middles = np.concatenate([tops * (1.0 + u), tops * (1.0 - u / 2)])
    x = -middles[:, None] * [0.0, 1.0, 0.0] - [0.0, 0.0, 60.0]
    assert_agrees("log_softmax", x, (), format)


@pytest.mark.parametrize("dtype", FORMATS)
@pytest.mark.parametrize("name", ["softmax", "softmax_masked", "softmax_temperature"])
def test_several_largest_logits_have_a_little_less_than_their_share(name, dtype, assert_agrees):
    """1/m less next to nothing: if m is a power of two, in the binade below."""
    format = FORMATS[dtype]
    gaps = np.array([5.0, 12.0, 40.0, 60.0, 120.0, 200.0])
    for m in (1, 2, 3, 4, 8, 16):
        x = np.concatenate([np.zeros((6, m)), np.repeat(-gaps[:, None], 3, axis=1)], axis=1)
        kept = np.ones(x.shape, bool)
        kept[:, -1] = False
        operands = {
            "softmax": (),
            "softmax_masked": (kept,),
            "softmax_temperature": (np.full((6, 1), 0.5),),
        }[name]
        left = assert_agrees(name, x.astype(format.dtype).astype(float), operands, format)
        assert not left.any()


def test_a_largest_logit_with_a_hidden_twin_is_alone(assert_agrees):
    x = np.array([[0.0, 0.0, -200.0], [0.0, 0.0, -200.0]])
    kept = np.array([[True, False, True], [True, True, True]])
    assert not assert_agrees("softmax_masked", x, (kept,), FORMATS["float64"]).any()


@pytest.mark.parametrize("temperature", [1.0, 2.0**900])
def test_logits_that_differ_next_to_nothing_are_not_equal_largest_ones(temperature, assert_agrees):
    """Their quotients by a temperature may underflow to the same: one has more than 1/m."""
    x = np.array([[0.0, -1e-300], [1e-310, 0.0], [5e-324, 0.0]])
    assert_agrees("softmax_temperature", x, (np.full((3, 1), temperature),), FORMATS["float64"])
    x = np.array([[0.0, -1e-300, -1e305]])
    assert_agrees("softmax_temperature", x, (np.array([[temperature]]),), FORMATS["float64"])
