"""What every metric is a function of: inputs, computed outputs and the truth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from softmax_harness.truth import Truth

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Batch:
    """Rows that were computed and judged; all arrays have the shape (rows, n).

    Attributes
    ----------
    x, y : ndarray of float64
        Inputs and computed outputs; every format up to float64 is exact in it.
    truth : Truth
        The exact results.
    z : ndarray of float64
        The exact results to the precision of float64.
    ulp_error : ndarray of float64
        `softmax_harness.metrics.ulp.ulp_error` of each element.
    """

    x: Array
    y: Array
    truth: Truth
    z: Array
    ulp_error: Array
