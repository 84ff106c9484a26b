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
