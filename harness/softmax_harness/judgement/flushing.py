"""Which results may be wrong for that alone that a unit takes subnormal numbers for 0."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.row_reductions import row_any
from softmax_harness.judgement.metrics import Batch
from softmax_harness.judgement.outcomes import IS_FAULT, Outcome
from softmax_harness.judgement.question import Question
from softmax_harness.operations import some_rows

Codes = NDArray[np.int8]


def with_flushed(asked: Question, batch: Batch, codes: Codes) -> Codes:
    """The outcomes, flushed_subnormal for what such a unit may have lost on the way, too.

    Parameters
    ----------
    asked : Question
        The limits are those of its standard, beside which `Operation.lost_by_flushing` is allowed.
    batch : Batch
        The outputs with their errors.
    codes : ndarray of int8
        Their outcomes.
    """
    lost_by_flushing = asked.operation.lost_by_flushing
    is_fault = IS_FAULT[codes]
    rows = np.flatnonzero(row_any(is_fault))
    if lost_by_flushing is None or not rows.size:
        return codes
    truth = batch.truth.rows(rows)
    x, operands = asked.x[rows], some_rows(asked.operands, rows)
    lost = lost_by_flushing(x, operands, truth.value, truth.format)
    with np.errstate(over="ignore", invalid="ignore"):
        limits = np.nan_to_num(asked.limits_of(rows), nan=0.0, posinf=np.inf)
        is_lost = (batch.absolute[rows] <= limits + lost / truth.ulp) | np.isposinf(lost)
        is_lost &= np.isfinite(limits)  # what is a fault all the same is beyond what 0 could do
    found = codes.copy()
    found[rows] = np.where(is_fault[rows] & is_lost, Outcome.FLUSHED_SUBNORMAL.code, codes[rows])
    return found
