"""What the policy says of attention where the formula says nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.row_reductions import row_any
from softmax_harness.operations import softmax
from softmax_harness.operations.enclosure import Array
from softmax_harness.operations.operand import Operands, own_rows
from softmax_harness.operations.operation import ANYTHING, Policy

# A softmax of each has the result that the policy says.
_ROWS = np.array([[-np.inf, -np.inf], [np.nan, 0.0]])


def special_values(x: Array, policy: Policy, operands: Operands) -> tuple[NDArray[np.bool_], Array]:
    """Where the policy fixes the results, and to what, shape (rows, c).

    Those of a query that sees nothing; those that a NaN or an infinity reaches, which is in q, in a
    key that is seen, or in the same column of a value that is seen. What an infinity reaches may be
    anything: see `softmax_harness.operations.not_finite`.
    """
    q, k, v, mask = operands
    _, said = softmax.special_values(_ROWS, policy)
    seen = mask[:, 0, :].astype(bool)
    shape = len(q), v.shape[-1]
    sees = row_any(seen, keepdims=True)
    fixed = np.array(np.broadcast_to(~sees, shape))
    expected = np.where(fixed, said[0, 0], 0.0)
    if all(are_finite(own_rows(each)) for each in (q, k, v)):
        return fixed, expected
    for is_special, result in ((np.isinf, ANYTHING), (np.isnan, said[1, 0])):
        in_key = np.asarray(is_special(k).any(axis=-1)) & seen
        in_value = (is_special(v) & seen[:, :, None]).any(axis=1)
        reached = np.asarray(is_special(q[:, 0]).any(axis=-1)) | in_key.any(axis=-1)
        own = (reached[:, None] | np.asarray(in_value)) & sees
        fixed |= own
        expected = np.where(own, result, expected)
    return fixed, expected


def are_finite(array: NDArray[Any]) -> bool:
    """Whether all numbers are finite: so they are if the sum of their squares is."""
    if array.dtype.char in "fd" and array.flags.c_contiguous:
        flat = array.reshape(-1)
        with np.errstate(over="ignore", invalid="ignore"):
            if np.isfinite(np.dot(flat, flat)):
                return True
    return bool(np.isfinite(array).all())
