"""Outcomes: what happened to one element (overflow, underflow, ...). Each has exactly one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.formats import Format
from softmax_harness.judgement.metrics import Batch
from softmax_harness.operations import OPERATIONS, Operation

OUTCOMES = (
    "correctly_rounded",
    "accurate",
    "inaccurate",
    "overflow",
    "nan",
    "denominator_underflow",
    "spurious_underflow",
    "inherent_underflow",
    "flushed_subnormal",
    "out_of_range",
    "wrong_special",
)
_CODE = {name: index for index, name in enumerate(OUTCOMES)}
GOOD_OUTCOMES = ("correctly_rounded", "accurate", "inherent_underflow")


def replay_sum(x: NDArray[np.float64], format: Format) -> NDArray[np.float64]:
    """The naive sum of exp(x) of each row as the format would hold it: shape (rows, 1).

    Each exponential is rounded to the format, the sum once at the end: infinity says that the
    naive steps overflow, 0 that their denominator underflows.
    """
    with np.errstate(all="ignore"):
        total = np.exp(x.astype(format.dtype)).astype(np.float64).sum(axis=-1, keepdims=True)
        return np.asarray(total.astype(format.dtype).astype(np.float64))


def _shifted(x: NDArray[np.float64]) -> NDArray[np.float64]:
    with np.errstate(all="ignore"):
        return np.asarray(x - x.max(axis=-1, keepdims=True))


def classify(
    batch: Batch,
    limit_ulp: NDArray[np.float64] | float = np.inf,
    operation: Operation = OPERATIONS["softmax"],
) -> NDArray[np.int8]:
    """The outcome of each element, as an index into `OUTCOMES`: the first that holds.

    Parameters
    ----------
    batch : Batch
        Inputs, computed outputs and the truth.
    limit_ulp : float or ndarray of float64, shape (rows, n)
        Up to this error in ulp an element is accurate, beyond it inaccurate.
    operation : Operation
        Of which the results are: what range they have.
    """
    # The first three codes, 0, 1 and 2, without a branch.
    codes: NDArray[np.int8] = (batch.y != batch.truth.rounded).view(np.int8)
    if np.ndim(limit_ulp) or limit_ulp < np.inf:
        with np.errstate(invalid="ignore"):
            codes *= 1 + (batch.absolute > limit_ulp).astype(np.int8)
    rows = np.flatnonzero(~batch.usual if operation.is_distribution else np.ones(len(codes), bool))
    if rows.size:
        codes[rows] = _unusual(batch.rows(rows), codes[rows], operation)
    return codes


def _unusual(batch: Batch, codes: NDArray[np.int8], operation: Operation) -> NDArray[np.int8]:
    """The outcomes in rows where something is fixed, not finite, 0 or outside its range.

    `codes` has what each element is if none of that applies to it.
    """
    y, truth = batch.y, batch.truth
    r = truth.rounded
    total = replay_sum(batch.x, truth.format)
    same = (y == r) | (np.isnan(y) & np.isnan(r))
    if operation.most < np.inf:  # then infinity stands for anything
        same |= np.isposinf(r)
    with np.errstate(invalid="ignore"):
        largest = np.max(np.where(np.isfinite(y), np.abs(y), np.inf), axis=-1, keepdims=True)
    overflows = np.isinf(total) | np.isinf(replay_sum(_shifted(batch.x), truth.format))
    hidden = overflows & ((largest == 0) | np.isinf(largest))
    subnormal = np.abs(r) < truth.format.smallest_normal
    finite, exactly_zero = np.isfinite(y), truth.offset == 0
    cases = [
        (truth.fixed & same, "correctly_rounded"),
        (truth.fixed, "wrong_special"),
        ((y == r) & np.isinf(r), "correctly_rounded"),
        (~finite & np.isinf(total), "overflow"),
        (~finite & (total == 0), "denominator_underflow"),
        (~finite, "nan"),
        ((y < operation.least) | (y > operation.most), "out_of_range"),
        ((y == r) & (r == 0) & ~exactly_zero, "inherent_underflow"),
        (y == r, "correctly_rounded"),
        ((y == 0) & hidden, "overflow"),
        ((y == 0) & subnormal, "flushed_subnormal"),
        (y == 0, "spurious_underflow"),
    ]
    return np.select(
        [condition for condition, _ in cases], [_CODE[name] for _, name in cases], default=codes
    ).astype(np.int8)
