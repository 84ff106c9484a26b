"""Whether a result is what special values ask for, which may be one of several."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from softmax_harness.operations import ANYTHING, INFINITY_OR_NAN, ZERO_OR_NAN
from softmax_harness.operations.enclosure import Array


def is_as_asked(y: Array, asked: Array) -> NDArray[np.bool_]:
    """Where results y are what special values ask for: a number, NaN, or one of several.

    Parameters
    ----------
    y, asked : ndarray of float64, shapes that broadcast together
    """
    same = (y == asked) | (np.isnan(y) & np.isnan(asked))
    return np.asarray(same | is_one_of_several(y, asked))


def is_one_of_several(y: Array, asked: Array) -> NDArray[np.bool_]:
    """Where special values ask for no number, and results y are what they take."""
    found = np.asarray(asked == ANYTHING)
    for either, number in ((ZERO_OR_NAN, 0.0), (INFINITY_OR_NAN, np.inf)):
        is_either = asked == either
        if is_either.any():
            found = found | (is_either & ((y == number) | np.isnan(y)))
    return found
