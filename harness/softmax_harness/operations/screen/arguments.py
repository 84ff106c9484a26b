"""The arguments of the kernels: numbers not far from 0, whatever the input has."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from softmax_harness.operations.screen.workspace import Array

_DIRECT = 700.0  # up to here x itself is reduced, beyond it its distance from the row's maximum
_BOTTOM = -1400.0  # exp of this is 0 beside 1 in every format, by hundreds of binades


def tops(x: Array, fixed: NDArray[np.bool_]) -> Array:
    """The largest entry of each row that is not fixed, shape (rows, 1); -inf if all are."""
    return np.asarray(np.where(fixed, -np.inf, x).max(axis=-1, keepdims=True))


def unmasked(x: Array, fixed: NDArray[np.bool_], top: Array) -> tuple[Array, Array]:
    """Numbers in place of what is fixed, and the weights that take them out of the sum again."""
    whole = np.isneginf(top)
    weights = np.where(fixed & ~whole, 0.0, 1.0)
    return np.where(fixed, np.where(whole, 0.0, top), x), weights


def too_far(top: Array, bottom: Array) -> bool:
    """Whether the distance from the row's maximum has to be reduced in place of x."""
    return bool(top.max() > _DIRECT or bottom.min() < -_DIRECT)


def distance(x: Array, top: Array) -> tuple[Array, Array]:
    """x - top as a float64 and its exact rounding error (Knuth's two-sum), cut off at `_BOTTOM`."""
    with np.errstate(over="ignore", invalid="ignore"):
        d = x - top
        back = d + top
        low = (x - back) - (top - (back - d))
    deep = d < _BOTTOM
    return np.where(deep, _BOTTOM, d), np.where(deep, 0.0, low)
