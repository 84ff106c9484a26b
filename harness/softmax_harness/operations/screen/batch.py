"""A batch of rows through the screen: what it decides, and which rows it leaves to mpmath."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.formats import Format
from softmax_harness.operations.screen import full, light
from softmax_harness.operations.screen.arguments import (
    QUOTIENT_ERROR,
    Distance,
    distance,
    quotient,
    too_far,
    tops,
    unmasked,
)
from softmax_harness.operations.screen.long import screen_row
from softmax_harness.operations.screen.rounding import rounded
from softmax_harness.operations.screen.sums import slices
from softmax_harness.operations.screen.workspace import BLOCK_ELEMENTS, Array, workspace
from softmax_harness.operations.truth import Truth

# The bounds of both kernels are proved for rows shorter than 2**26.
LONGEST_ROW = (1 << 26) - 1
# Below the larger one, a distance beyond float64 is a quotient beyond all that counts.
_TEMPERATURES = (2.0**-1000, 2.0**1000)


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


ScreenPart = Callable[[slice, Truth], NDArray[np.bool_]]
"""Screens some rows into their truth; True for each row that stays undecided."""


def kernel_of(format: Format) -> ModuleType:
    """The kernel whose bound decides nearly all roundings to a format."""
    return light if format.precision <= 24 else full


def by_blocks(
    n: int,
    fixed: NDArray[np.bool_],
    expected: Array,
    format: Format,
    relative_error: float,
    part_of: ScreenPart,
) -> Screened:
    """A screen of rows of n logits, as many at a time as the workspace holds, at least one.

    Parameters
    ----------
    fixed, expected : ndarray, shape (rows, results)
        What the special-value policy gives, and where.
    relative_error : float
        Bound of each result's error, relative to it, in the rows that are decided.
    """
    shape = fixed.shape
    out = Truth(format, np.empty(shape), np.empty(shape), np.empty(shape), fixed)
    undecided = np.zeros(len(fixed), bool)
    if n > LONGEST_ROW:
        undecided[:] = True
    else:
        step = max(1, BLOCK_ELEMENTS // max(n, 1))
        for start in range(0, len(fixed), step):
            part = slice(start, start + step)
            here = Truth(format, out.rounded[part], out.offset[part], out.ulp[part], fixed[part])
            undecided[part] = part_of(part, here)
    if fixed.any():
        np.copyto(out.rounded, expected, where=fixed)
        np.copyto(out.offset, 0.0, where=fixed)
        np.copyto(out.ulp, format.smallest_subnormal, where=fixed)
        np.copyto(out.ulp, 2.0 * format.unit_roundoff, where=fixed & (np.abs(expected) == 1.0))
        undecided &= ~fixed.all(axis=-1)
    return Screened(out, undecided, relative_error * 2.0**format.precision)


def screen(
    x: Array,
    fixed: NDArray[np.bool_],
    expected: Array,
    format: Format,
    temperature: Array | None = None,
) -> Screened:
    """Softmax of each row of x, or of x / T, as `format` sees it.

    Parameters
    ----------
    x : ndarray of float64, shape (rows, n)
        The stored inputs; -inf where masked.
    fixed, expected : ndarray, shape (rows, n)
        What the special-value policy gives, and where.
    temperature : ndarray of float64, shape (rows, 1), or None
        T; rows in which it is not within `_TEMPERATURES` stay open.
    """
    kernel = kernel_of(format)
    if temperature is None:
        error = kernel.RELATIVE_ERROR
        return by_blocks(
            x.shape[-1],
            fixed,
            expected,
            format,
            error,
            lambda part, here: _screen_part(x[part], here, kernel, None, error),
        )
    usable = (temperature > _TEMPERATURES[0]) & (temperature < _TEMPERATURES[1])
    t, error = np.where(usable, temperature, 1.0), kernel.RELATIVE_ERROR + QUOTIENT_ERROR
    found = by_blocks(
        x.shape[-1],
        fixed,
        expected,
        format,
        error,
        lambda part, here: _screen_part(x[part], here, kernel, quotient(t[part]), error),
    )
    found.undecided[:] |= ~(usable[:, 0] | fixed.all(axis=-1))
    return found


def _screen_part(
    x: Array, here: Truth, kernel: ModuleType, apart: Distance | None, error: float
) -> NDArray[np.bool_]:
    """Screen a few rows into `here`; True for the rows that stay undecided."""
    fixed = here.fixed
    if x.shape[-1] > BLOCK_ELEMENTS:
        return np.array([screen_row(x, here, kernel, apart, error)])
    weights = low = None
    if fixed.any():
        x, weights = unmasked(x, fixed, tops(x, fixed))
    top = x.max(axis=-1, keepdims=True)
    # Rows of one value have z = 1/m exactly, which only the arbiter's integers show to be exact.
    bottom = x.min(axis=-1)
    undecided: NDArray[np.bool_] = top[:, 0] == bottom
    if apart is None and too_far(top, bottom):
        apart = distance
    if apart is not None:
        x, low = apart(x, top)
        top = np.zeros(top.shape)
    w = workspace(x.shape)
    head, tail, q = kernel.exponentials(x, top, low, weights, w)
    columns = slices(head, tail, q, x.shape[-1], kernel.exact_columns(x.shape[-1]), w)
    head, tail = kernel.scaled(head, tail, kernel.inverse(columns), w)
    open_ = rounded(head, tail, q, here, error, w)
    if open_.any():
        undecided |= (open_ & ~fixed).any(axis=-1)
    return undecided
