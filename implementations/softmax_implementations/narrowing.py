"""Rounds results to a narrower type than the one they were worked in."""

import numpy as np

_SMALLEST_NORMAL = 2.0**-14  # of float16


def rounded_to(values, dtype):
    """The values in a type, each rounded once, to the nearest number.

    NumPy's conversion reports each subnormal number that it rounds, which takes it forty times as
    long as the rounding. Those of float16 are multiples of 2**-24. So are the float32 from 1/2 to
    1: adding 3/4 rounds in the same way, and nothing is left to report. Arrays that are not
    NumPy's own are converted as they do it.
    """
    values = np.asanyarray(values)
    if dtype != np.float16 or values.dtype != np.float32 or type(values) is not np.ndarray:
        return values.astype(dtype)
    is_small, middle = np.abs(values) < _SMALLEST_NORMAL, np.float32(0.75)
    small = np.where(is_small, values, np.float32(0.0))
    small = np.copysign((small + middle) - middle, small)
    return np.where(is_small, small, values).astype(dtype)
