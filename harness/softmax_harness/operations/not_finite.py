"""What a NaN or an infinity in an operand makes of results.

A NaN gives NaN where the operation uses it, or what the policy says of a NaN. An infinity may give
an infinity, or NaN: which of them depends on the order of the arithmetic, so that any result is
taken. So it is where the formula multiplies a NaN by a weight of exactly 0: kernels that leave
hidden entries out and kernels that multiply them by 0 are both in use.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.row_reductions import row_all, row_sum
from softmax_harness.operations.enclosure import Array
from softmax_harness.operations.operation import ANYTHING, Policy

Fixed = tuple[NDArray[np.bool_], Array]
"""As `Operation.special_values` gives it."""


def without(operand: NDArray[Any]) -> NDArray[Any]:
    """0 in place of what is not finite: a screen may compute anything where results are fixed."""
    rows = _rows(operand)
    if not rows.size:
        return operand
    found, own = operand.copy(), operand[rows]
    found[rows] = np.where(np.isfinite(own), own, 0.0)
    return found


def with_operand(
    special: Fixed, policy: Policy, n: int, operand: Array, used: NDArray[np.bool_] | None = None
) -> Fixed:
    """The special values, with those that a number of each row reaches that is not finite.

    Parameters
    ----------
    special : tuple of ndarray, shape (rows, m)
        What the other arguments fix. Where it is NaN, it stays.
    n : int
        Length of the rows.
    operand : ndarray of float64, shape (rows, some)
    used : ndarray of bool, of its shape, optional
        Whether the results that are not fixed depend on it. By default they do.
    """
    rows = _rows(operand)
    if not rows.size:
        return special
    fixed, expected = special[0].copy(), special[1].copy()
    is_nan = np.isnan(operand[rows])
    if used is not None:
        is_nan &= used[rows]
    own, given = fixed[rows], expected[rows]
    of_nan = is_nan.any(axis=-1, keepdims=True) & ~own
    result = np.where(of_nan, policy.result(policy.nan, n), ANYTHING)
    expected[rows] = np.where(own & np.isnan(given), given, result)
    fixed[rows] = True
    return fixed, expected


def _rows(operand: NDArray[Any]) -> NDArray[np.int64]:
    """The rows of an operand in which something is not finite, as then their sum is."""
    with np.errstate(over="ignore", invalid="ignore"):
        some = np.flatnonzero(~np.isfinite(row_sum(operand)))
    return np.asarray(some[~row_all(np.isfinite(operand[some]))])
