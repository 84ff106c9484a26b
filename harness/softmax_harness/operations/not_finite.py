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

from softmax_harness.operations.enclosure import Array
from softmax_harness.operations.operation import ANYTHING, Policy

Fixed = tuple[NDArray[np.bool_], Array]
"""As `Operation.special_values` gives it."""


def without(operand: NDArray[Any]) -> NDArray[Any]:
    """0 in place of what is not finite: a screen may compute anything where results are fixed."""
    finite = np.isfinite(operand)
    return operand if finite.all() else np.where(finite, operand, 0.0)


def with_operand(
    special: Fixed, policy: Policy, n: int, operand: Array, used: NDArray[np.bool_] | bool = True
) -> Fixed:
    """The special values, with those that a number of each row reaches that is not finite.

    Parameters
    ----------
    special : tuple of ndarray, shape (rows, m)
        What the other arguments fix. Where it is NaN, it stays.
    n : int
        Length of the rows.
    operand : ndarray of float64, shape (rows, some)
    used : bool or ndarray of bool, of its shape
        Whether the results that are not fixed depend on it.
    """
    finite = np.isfinite(operand)
    if finite.all():
        return special
    fixed, expected = special
    reached = ~finite.all(axis=-1, keepdims=True)
    is_nan = (np.isnan(operand) & used).any(axis=-1, keepdims=True)
    given = np.where(is_nan & ~fixed, policy.result(policy.nan, n), ANYTHING)
    given = np.where(fixed & np.isnan(expected), expected, given)
    return fixed | reached, np.where(reached, given, expected)
