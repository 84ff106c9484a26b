"""Plain functions of (y, truth): one metric, one function."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from softmax_harness.truth import Truth


def ulp_error(y: NDArray[np.float64], truth: Truth) -> NDArray[np.float64]:
    """Signed error (y - z) / ulp(z) of each element; NaN where y or z is not finite.

    z is the exact real value and ulp is Goldberg's, extended to reals (Zimmermann et al.,
    "Accuracy of Mathematical Functions in Single, Double, Double Extended, and Quadruple
    Precision").
    """
    with np.errstate(all="ignore"):
        error = (y - truth.rounded) / truth.ulp - truth.offset
    return np.where(np.isfinite(y) & np.isfinite(truth.rounded), error, np.nan)


def sum_defect(y: NDArray[np.float64]) -> NDArray[np.float64]:
    """|sum of a row - 1|, summed exactly and rounded once; NaN for a row that is not finite."""
    return np.array(
        [abs(math.fsum([*row, -1.0])) if np.isfinite(row).all() else math.nan for row in y]
    )
