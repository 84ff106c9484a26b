"""A batch of rows through the screen: what it decides, and which rows it leaves to mpmath."""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.formats import Format
from softmax_harness.operations.screen import full, light
from softmax_harness.operations.screen.arguments import distance, too_far, tops, unmasked
from softmax_harness.operations.screen.long import screen_row
from softmax_harness.operations.screen.rounding import rounded
from softmax_harness.operations.screen.sums import slices
from softmax_harness.operations.screen.workspace import BLOCK_ELEMENTS, Array, workspace
from softmax_harness.operations.truth import Truth

# The bounds of both kernels are proved for rows shorter than 2**26.
LONGEST_ROW = (1 << 26) - 1


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
    here = Truth(out.format, out.rounded[part], out.offset[part], out.ulp[part], fixed)
    if x.shape[-1] > BLOCK_ELEMENTS:
        return np.array([screen_row(x, here, kernel)])
    weights = low = None
    if fixed.any():
        x, weights = unmasked(x, fixed, tops(x, fixed))
    top = x.max(axis=-1, keepdims=True)
    # Rows of one value have z = 1/m exactly, which only the arbiter's integers show to be exact.
    bottom = x.min(axis=-1)
    undecided: NDArray[np.bool_] = top[:, 0] == bottom
    if too_far(top, bottom):
        x, low = distance(x, top)
        top = np.zeros(top.shape)
    w = workspace(x.shape)
    head, tail, q = kernel.exponentials(x, top, low, weights, w)
    columns = slices(head, tail, q, x.shape[-1], kernel.exact_columns(x.shape[-1]), w)
    head, tail = kernel.scaled(head, tail, kernel.inverse(columns), w)
    open_ = rounded(head, tail, q, here, kernel.RELATIVE_ERROR, w)
    if open_.any():
        undecided |= (open_ & ~fixed).any(axis=-1)
    return undecided
