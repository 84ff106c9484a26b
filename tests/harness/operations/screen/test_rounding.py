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
