"""A batch of rows through the screen: what it decides, and which rows it leaves to mpmath."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.formats import Format
from softmax_harness.ground.row_reductions import row_all, row_any, row_max, row_min
from softmax_harness.operations.screen import fine, full, light, masks, middle
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
from softmax_harness.operations.screen.workspace import (
    BLOCK_ELEMENTS,
    Array,
    Bits,
    aligned,
    rows_of_a_block,
    workspace,
)
from softmax_harness.operations.truth import Truth

# The bounds of both kernels are proved for rows shorter than 2**26.
LONGEST_ROW = (1 << 26) - 1
_FEW = 0.25  # where fewer of the rows are concerned, these alone are worked on
_HIDDEN, _NEAREST, _FARTHEST = -1300.0, -600.0, 100.0
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


class Stage(NamedTuple):
    """A kernel, and the bound of each result's error, relative to it, in the rows it decides."""

    kernel: ModuleType
    relative_error: float


Chosen = slice | NDArray[np.int64]
ScreenPart = Callable[[Chosen, Truth, Stage], NDArray[np.bool_]]
"""Screens some rows into their truth; True for each row that stays undecided."""


def kernels_of(format: Format) -> tuple[ModuleType, ...]:
    """The kernels that decide nearly all roundings to a format, the fastest one first."""
    return (light,) if format.precision <= 24 else (middle, full)


def precise_kernels_of(format: Format) -> tuple[ModuleType, ...]:
    """The same where results are to be known to 2**-36 ulp, or may cancel."""
    return (light,) if format.precision <= 24 else (fine, full)


def by_blocks(
    n: int,
    fixed: NDArray[np.bool_],
    expected: Array,
    format: Format,
    stages: Sequence[Stage],
    part_of: ScreenPart,
    elements: int = BLOCK_ELEMENTS,
) -> Screened:
    """A screen of rows of n logits, about so many elements at a time, at least one row.

    Parameters
    ----------
    fixed, expected : ndarray, shape (rows, results)
        What the special-value policy gives, and where.
    stages : sequence of Stage
        What the first one leaves open goes to the next.
    """
    shape = fixed.shape
    out = Truth(format, aligned(shape), aligned(shape), aligned(shape), fixed)
    undecided = np.ones(len(fixed), bool)
    if n <= LONGEST_ROW:
        step = rows_of_a_block(len(fixed), n, elements)
        for start in range(0, len(fixed), step):
            part = slice(start, start + step)
            here = Truth(format, out.rounded[part], out.offset[part], out.ulp[part], fixed[part])
            undecided[part] = part_of(part, here, stages[0])
            _put_fixed(here, expected[part])
        for stage in stages[1:]:
            open_ = np.flatnonzero(undecided & ~row_all(fixed))
            for start in range(0, open_.size, step):
                rows = open_[start : start + step]
                here = out.rows(rows)
                undecided[rows] = part_of(rows, here, stage)
                _put_fixed(here, expected[rows])
                out.replace_rows(rows, here)
    else:
        _put_fixed(out, expected)
    undecided &= ~row_all(fixed)
    error = max(stage.relative_error for stage in stages)
    return Screened(out, undecided, error * 2.0**format.precision)


def put_exact(
    here: Truth,
    rows: NDArray[np.bool_] | NDArray[np.int64],
    z: Array | float,
    undecided: NDArray[np.bool_],
) -> None:
    """Put results that are numbers of the format into some rows, which are decided.

    Parameters
    ----------
    z : float or ndarray of float64, shape (some, m)
        Anything where results are fixed.
    """
    here.rounded[rows], here.offset[rows] = z, 0.0
    here.ulp[rows] = here.format.ulp(here.rounded[rows])
    undecided[rows] = False


def _put_fixed(out: Truth, expected: Array) -> None:
    """What the policy says, where it does: in few rows, or in most."""
    rows = np.flatnonzero(row_any(out.fixed))
    if rows.size >= _FEW * len(out.fixed):
        _put_fixed_in(out, expected)
    elif rows.size:
        some = out.rows(rows)
        _put_fixed_in(some, expected[rows])
        out.replace_rows(rows, some)


def _put_fixed_in(out: Truth, expected: Array) -> None:
    """The same in every row: mostly 0, which goes to whole arrays at once."""
    format, elsewhere = out.format, masks.all_bits(~out.fixed)
    masks.put(out.rounded, elsewhere, 0.0)
    masks.put(out.offset, elsewhere, 0.0)
    masks.put(out.ulp, elsewhere, format.smallest_subnormal)
    rows = np.flatnonzero((out.fixed & (expected != 0.0)).any(axis=-1)) if expected.any() else ()
    if len(rows):
        fixed, given = out.fixed[rows], expected[rows]
        out.rounded[rows] = np.where(fixed, given, out.rounded[rows])
        one = fixed & (np.abs(given) == 1.0)
        out.ulp[rows] = np.where(one, 2.0 * format.unit_roundoff, out.ulp[rows])


def screen(x: Array, fixed: NDArray[np.bool_], expected: Array, format: Format) -> Screened:
    """Softmax of each row of x as `format` sees it, to 2**-36 ulp.

    Parameters
    ----------
    x : ndarray of float64, shape (rows, n)
        The stored inputs; -inf where masked.
    fixed, expected : ndarray, shape (rows, n)
        What the special-value policy gives, and where.
    """
    stages = [Stage(kernel, kernel.RELATIVE_ERROR) for kernel in precise_kernels_of(format)]
    return by_blocks(
        x.shape[-1],
        fixed,
        expected,
        format,
        stages,
        lambda part, here, stage: _screen_part(x[part], here, stage, None),
    )


def screen_masked(x: Array, fixed: NDArray[np.bool_], expected: Array, format: Format) -> Screened:
    """As `screen`, by the fastest kernel first; x may be anything where results are fixed."""
    stages = [Stage(kernel, kernel.RELATIVE_ERROR) for kernel in kernels_of(format)]
    return by_blocks(
        x.shape[-1],
        fixed,
        expected,
        format,
        stages,
        lambda part, here, stage: _screen_part(x[part], here, stage, None),
    )


def screen_quotients(
    x: Array, temperature: Array, fixed: NDArray[np.bool_], expected: Array, format: Format
) -> Screened:
    """As `screen_masked` of x / T, T of shape (rows, 1).

    Rows in which T is not within `_TEMPERATURES` stay open.
    """
    usable = (temperature > _TEMPERATURES[0]) & (temperature < _TEMPERATURES[1])
    t = np.where(usable, temperature, 1.0)
    found = by_blocks(
        x.shape[-1],
        fixed,
        expected,
        format,
        [Stage(each, each.RELATIVE_ERROR + QUOTIENT_ERROR) for each in kernels_of(format)],
        lambda part, here, stage: _screen_part(x[part], here, stage, quotient(t[part])),
    )
    found.undecided[:] |= ~(usable[:, 0] | fixed.all(axis=-1))
    return found


def _screen_part(x: Array, here: Truth, stage: Stage, apart: Distance | None) -> NDArray[np.bool_]:
    """Screen a few rows into `here`; True for the rows that stay undecided."""
    fixed, (kernel, error) = here.fixed, stage
    if x.shape[-1] > BLOCK_ELEMENTS:
        if fixed.all():
            return np.zeros(1, bool)
        x = masks.where(~fixed, x, -np.inf) if fixed.any() else x
        return _decide_long(here, x, screen_row(x, here, kernel, apart, error))
    if apart is None and fixed.any():
        kept = masks.all_bits(~fixed)
        shown = _without_hidden(x, fixed, kept)
        if shown is not None:
            return _screen_shown(shown, here, stage, kept)
    weights = low = None
    if fixed.any():
        x = masks.where(~fixed, x, -np.inf)
        x, weights = unmasked(x, fixed, tops(x, fixed))
    top = row_max(x, keepdims=True)
    bottom = row_min(x)
    of_one_value = top[:, 0] == bottom
    logits, largest = x, top
    if apart is None and too_far(top, bottom):
        apart = distance
    if apart is not None:
        x, low = apart(x, top)
        top = np.zeros(top.shape)
    w = workspace(x.shape)
    head, tail, q = kernel.exponentials(x, top, low, weights, w)
    columns = kernel.columns_of(head, tail, q, x.shape[-1], w)
    if weights is not None:  # what will be overwritten must not be deep, which takes longer
        head += np.subtract(1.0, weights, out=weights)
    head, tail = kernel.scaled(head, tail, kernel.inverse(columns), w)
    open_ = rounded(head, tail, q, here, error, w)
    return _decide(here, logits, largest, open_, of_one_value)


def _without_hidden(x: Array, fixed: NDArray[np.bool_], kept: Bits) -> Array | None:
    """x with `_HIDDEN` where results are fixed, if that adds nothing to a sum and is not too far.

    exp(`_HIDDEN`) is below 2**-1000 of exp of any logit from `_NEAREST` on, and `_FARTHEST` is not
    too far from it for a kernel.
    """
    found = masks.by_bits(kept, x, _HIDDEN)
    hidden = np.count_nonzero(found < _NEAREST) == np.count_nonzero(fixed)
    return found if hidden and found.max() <= _FARTHEST else None


def _screen_shown(x: Array, here: Truth, stage: Stage, kept: Bits) -> NDArray[np.bool_]:
    """`_screen_part` of what `_without_hidden` gives: no weights, but other powers of two after."""
    (kernel, error), w = stage, workspace(x.shape)
    top = row_max(x, keepdims=True)
    head, tail, q = kernel.exponentials(x, top, None, None, w)
    columns = kernel.columns_of(head, tail, q, x.shape[-1], w)
    q &= kept  # what will be overwritten must not be deep, which takes longer
    head, tail = kernel.scaled(head, tail, kernel.inverse(columns), w)
    open_ = rounded(head, tail, q, here, error, w)
    return _decide(here, x, top, open_, row_all((x == top) | here.fixed))


def _decide(
    here: Truth,
    x: Array,
    top: Array,
    open_: NDArray[np.bool_],
    of_one_value: NDArray[np.bool_],
) -> NDArray[np.bool_]:
    """The rows that stay open once exact results and those just below them are put."""
    undecided = np.zeros(len(x), bool)
    if open_.any():
        undecided |= row_any(open_ & ~here.fixed)
        rows = np.flatnonzero(undecided & ~of_one_value)
        if rows.size:
            undecided[rows] = _not_just_below(here, x, top, open_, rows)
    if of_one_value.any():
        _put_powers_of_two(here, of_one_value, undecided)
    return undecided


def _decide_long(here: Truth, x: Array, places: NDArray[np.int64]) -> NDArray[np.bool_]:
    """As `_decide`, of one row of which some places are open; all of them where all are alike."""
    open_ = np.zeros(x.shape, bool)
    open_[0, places] = True
    if places.size in (0, x.shape[-1]):
        return row_any(open_)
    return _not_just_below(here, x, row_max(x, keepdims=True), open_, np.zeros(1, np.int64))


def _not_just_below(
    here: Truth, x: Array, top: Array, open_: NDArray[np.bool_], rows: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Which of some rows stay open once what lies just below a power of two is decided.

    Of m largest logits, m a power of two, z is below 1/m since there are others, however little.
    Where it lies so near that its side is not seen, it is decided here.
    """
    own = here.rows(rows)
    at_top = (x[rows] == top[rows]) & ~own.fixed
    count = np.count_nonzero(at_top, axis=-1)[:, None]
    power = 1.0 / np.maximum(count, 1)
    # Below the normal numbers all have one ulp.
    some = (count & (count - 1) == 0) & (power > here.format.smallest_normal)
    below = open_[rows] & at_top & some & (own.rounded == power) & (np.abs(own.offset) < 0.25)
    ulp = np.broadcast_to(power * here.format.unit_roundoff, below.shape)
    offset = np.minimum(own.offset * own.ulp / ulp, 0.0)
    own.offset[below], own.ulp[below] = offset[below], ulp[below]
    here.replace_rows(rows, own)
    return np.asarray((open_[rows] & ~own.fixed & ~below).any(axis=-1))


def _put_powers_of_two(
    here: Truth, of_one_value: NDArray[np.bool_], undecided: NDArray[np.bool_]
) -> None:
    """Rows of m equal logits, m a power of two: z = 1/m is a number of the format, exactly.

    The reciprocal of no other m is one, nor the middle between two, so that the enclosure decides
    it as any other z. A reciprocal below the normal numbers is left to the arbiter.
    """
    count = np.count_nonzero(~here.fixed[of_one_value], axis=-1)
    is_power = (count > 0) & (count & (count - 1) == 0)
    is_normal = is_power & (count * here.format.smallest_normal <= 1.0)
    rows = np.flatnonzero(of_one_value)
    undecided[rows[is_power & ~is_normal]] = True
    rows, z = rows[is_normal], 1.0 / count[is_normal][:, None]
    undecided[rows] = False
    here.rounded[rows], here.offset[rows] = z, 0.0
    here.ulp[rows] = z * 2.0 * here.format.unit_roundoff
