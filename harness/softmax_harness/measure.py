"""One implementation on one batch, as one row of results.csv."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from softmax_implementations import Implementation

from softmax_harness.metrics import sum_defect, ulp_error
from softmax_harness.outcomes import OUTCOMES, classify
from softmax_harness.truth import Truth


def measure(
    implementation: Implementation, x: NDArray[np.float64], truth: Truth, limit_ulp: float
) -> dict[str, Any]:
    """Outcome counts, error statistics and the witness of the largest error.

    The witness is ``row,index`` within the batch.
    """
    y = np.asarray(implementation(x.astype(truth.format.dtype))).astype(np.float64)
    codes = classify(x, y, truth, limit_ulp)
    counts = np.bincount(codes.ravel(), minlength=len(OUTCOMES)).tolist()
    error = ulp_error(y, truth)
    known = error[~np.isnan(error)]
    statistics: dict[str, Any] = dict.fromkeys(("max_ulp", "mean_ulp", "bias_ulp"), np.nan)
    witness = ""
    if known.size:
        row, index = np.unravel_index(np.nanargmax(np.abs(error)), error.shape)
        statistics = {
            "max_ulp": float(np.abs(known).max()),
            "mean_ulp": float(np.abs(known).mean()),
            "bias_ulp": float(known.mean()),
        }
        witness = f"{row},{index}"
    defects = sum_defect(y)
    defect = float(np.nanmax(defects)) if np.isfinite(defects).any() else np.nan
    return (
        dict(zip(OUTCOMES, counts, strict=True))
        | statistics
        | {"sum_defect": defect, "witness": witness}
    )
