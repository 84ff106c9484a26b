"""Sums, extremes and conditions of rows, those of few entries column by column; and of columns.

NumPy reduces rows one after another: the largest entries of 16,384 rows of two take it 36 times as
long as the larger ones of two columns. So does it with the columns of a stack of matrices, of which
narrow ones take it 4 to 30 times as long as the larger ones of both halves, and of theirs.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

_FEW = 16
# NumPy before 2.0 has no vecdot.
_dot: Callable[..., Any] = getattr(np, "vecdot", partial(np.einsum, "...n,...n->..."))


def row_sum(rows: NDArray[Any], keepdims: bool = False) -> NDArray[Any]:
    """The sum of each row, shape (rows,), or (rows, 1): at depth 32 at most of 2**26 entries."""
    return _reduced(np.add, rows, keepdims)


def row_dot(a: NDArray[Any], b: NDArray[Any]) -> NDArray[Any]:
    """The sum of the products of two rows, shape (rows,), added in any order."""
    if 1 < a.shape[-1] <= _FEW:
        return row_sum(a * b)
    return np.asarray(_dot(a, b))


def row_max(rows: NDArray[Any], keepdims: bool = False) -> NDArray[Any]:
    """The largest entry of each row, shape (rows,), or (rows, 1); NaN where there is one."""
    return _reduced(np.maximum, rows, keepdims)


def row_min(rows: NDArray[Any], keepdims: bool = False) -> NDArray[Any]:
    """The smallest entry of each row, shape (rows,), or (rows, 1); NaN where there is one."""
    return _reduced(np.minimum, rows, keepdims)


def row_any(rows: NDArray[np.bool_], keepdims: bool = False) -> NDArray[np.bool_]:
    """Whether a row has an entry that is true, shape (rows,), or (rows, 1)."""
    return _reduced(np.logical_or, rows, keepdims)


def row_all(rows: NDArray[np.bool_], keepdims: bool = False) -> NDArray[np.bool_]:
    """Whether all entries of a row are true, shape (rows,), or (rows, 1)."""
    return _reduced(np.logical_and, rows, keepdims)


def column_max(stack: NDArray[Any]) -> NDArray[Any]:
    """The largest entry of each column, shape (..., n, c) to (..., c); NaN where there is one."""
    return _folded(np.maximum, stack)


def column_min(stack: NDArray[Any]) -> NDArray[Any]:
    """The smallest entry of each column, shape (..., n, c) to (..., c); NaN where there is one."""
    return _folded(np.minimum, stack)


def _reduced(ufunc: np.ufunc, rows: NDArray[Any], keepdims: bool) -> NDArray[Any]:
    n = rows.shape[-1]
    if rows.ndim < 2 or not 1 < n <= _FEW:
        return np.asarray(ufunc.reduce(rows, axis=-1, keepdims=keepdims))
    found: NDArray[Any] = ufunc(rows[..., 0], rows[..., 1])
    for column in range(2, n):
        ufunc(found, rows[..., column], out=found)
    return found[..., None] if keepdims else found


def _folded(ufunc: np.ufunc, stack: NDArray[Any]) -> NDArray[Any]:
    """Of a function to which it is the same how often it is given an entry."""
    while (n := stack.shape[-2]) > 1:
        half = (n + 1) // 2
        stack = ufunc(stack[..., :half, :], stack[..., n - half :, :])
    return np.asarray(ufunc.reduce(stack, axis=-2))  # a copy, or NumPy's word on no entries
