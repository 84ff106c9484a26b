"""A batch of rows through the screen: what it decides, and which rows it leaves to mpmath."""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from softmax_harness.formats import Format
from softmax_harness.truth.screen import full, light
from softmax_harness.truth.screen.rounding import rounded
from softmax_harness.truth.screen.workspace import BLOCK_ELEMENTS, Array, workspace
from softmax_harness.truth.truth import Truth

LONGEST_ROW = light.LONGEST_ROW
_DIRECT = 700.0  # up to here x itself is reduced, beyond it its distance from the row's maximum
_BOTTOM = -1400.0  # exp of this is 0 beside 1 in every format, by hundreds of binades


@dataclass(frozen=True)
class Screened:
    """The truth as far as the screen knows it.

    Attributes
    ----------
    truth : Truth
        Right up to `error_ulp` in `Truth.offset`, but for the undecided rows, which mean nothing.
    undecided : ndarray of bool, shape (rows,)
    error_ulp : float
        Bound of the error of an offset, in ulp.
    """

    truth: Truth
    undecided: NDArray[np.bool_]
    error_ulp: float


def screen(x: Array, fixed: NDArray[np.bool_], expected: Array, format: Format) -> Screened:
    """Softmax of each row of x as `format` sees it.

    Parameters
    ----------
    x : ndarray of float64, shape (rows, n)
        The stored inputs; -inf where masked.
    fixed, expected : ndarray, shape (rows, n)
        What the special-value policy gives, and where.
    """
    kernel = light if format.precision <= 24 else full
    out = Truth(
        format,
        np.empty(x.shape),
        np.empty(x.shape),
        np.empty(x.shape),
        fixed,
    )
    undecided = np.zeros(len(x), bool)
    if x.shape[-1] > LONGEST_ROW:
        undecided[:] = True
    else:
        step = max(1, BLOCK_ELEMENTS // max(x.shape[-1], 1))
        for start in range(0, len(x), step):
            part = slice(start, start + step)
            undecided[part] = _screen_part(x[part], fixed[part], out, part, kernel)
    if fixed.any():
        out.rounded[fixed] = expected[fixed]
        out.offset[fixed] = 0.0
        out.ulp[fixed] = np.where(
            expected[fixed] == 1.0, 2.0 * format.unit_roundoff, format.smallest_subnormal
        )
        undecided &= ~fixed.all(axis=-1)
    return Screened(out, undecided, kernel.RELATIVE_ERROR * 2.0**format.precision)


def _screen_part(
    x: Array, fixed: NDArray[np.bool_], out: Truth, part: slice, kernel: ModuleType
) -> NDArray[np.bool_]:
    """Screen a few rows into the rows `part` of `out`; True for the rows that stay undecided."""
    weights = None
    if fixed.any():
        x, weights = _unmasked(x, fixed)
    top = x.max(axis=-1, keepdims=True)
    # Rows of one value have z = 1/m exactly, which only the arbiter's integers show to be exact.
    bottom = x.min(axis=-1)
    undecided: NDArray[np.bool_] = top[:, 0] == bottom
    low = None
    if top.max() > _DIRECT or bottom.min() < -_DIRECT:
        x, low = _distance(x, top)
        top = np.zeros(top.shape)
    w = workspace(x.shape)
    head, tail, q = kernel.quotients(x, top, low, weights, w)
    here = Truth(out.format, out.rounded[part], out.offset[part], out.ulp[part], fixed)
    open_ = rounded(head, tail, q, here, kernel.RELATIVE_ERROR, w)
    if open_.any():
        undecided |= (open_ & ~fixed).any(axis=-1)
    return undecided


def _unmasked(x: Array, fixed: NDArray[np.bool_]) -> tuple[Array, Array]:
    """Numbers in place of what is fixed, and the weights that take them out of the sum again."""
    top = np.where(fixed, -np.inf, x).max(axis=-1, keepdims=True)
    whole = np.isneginf(top)
    weights = np.where(fixed & ~whole, 0.0, 1.0)
    return np.where(fixed, np.where(whole, 0.0, top), x), weights


def _distance(x: Array, top: Array) -> tuple[Array, Array]:
    """x - top as a float64 and its exact rounding error (Knuth's two-sum), cut off at `_BOTTOM`."""
    with np.errstate(over="ignore", invalid="ignore"):
        d = x - top
        back = d + top
        low = (x - back) - (top - (back - d))
    deep = d < _BOTTOM
    return np.where(deep, _BOTTOM, d), np.where(deep, 0.0, low)
