"""The screen of softmax's Jacobian times a vector where nothing is far apart: in fewer passes.

No logit lies further than `_DISTANCE` below the largest of its row, so that the exponentials F need
no powers of two of their own, and c = v - b is exact in one float64: b is v at the largest logit
where no v is more than twice as large or as small (Sterbenz), else 0. m = sum F c / sum F comes
from `softmax_harness.operations.screen.weighted_sums`. Rows whose c are of another magnitude than
those of most are multiplied by a power of two of their own, for all to share a grid.

Errors of z = F (c - m) / S, with u = 2**-53 and |c| <= 2**e, cut to g = 2**(e - 51):

- m: the sums err by what their slices leave and by the kernel's error of F, twice; the quotient by
  2**-103 of it.
- c - m = d + d', d on the grid and exact, |d'| <= g. m is rounded by u g / 2 there, and d' goes
  through eight roundings of u g at most on its way to z: all of these count as errors of c - m. So
  does what c loses below all numbers when it is multiplied: 2**-1075, far below u g / 2.
- F = fh + fr and d = dh + dr, fh and dh of 26 bits, fr below 2**-24 of F, where tails are below
  2**-25, dr below 2**-25 of d. fh dh is exact; fr (d + d') + fh (dr + d') is below 2**-23.4 of it,
  and rounded by 2**-77 three times, by 2**-78 twice and by 2**-76.4: 2**-74.5.
- 1/S has a head of 26 bits, too, and a rest below 2**-25; what stands beside the 26 bits of the
  product is below 2**-23. The product of the heads is exact; the rest is rounded by 2**-76 three
  times, by 2**-78 twice and by 2**-75.7: 2**-73.7.

The last two are below `_PRODUCT_ERROR` of z. To that come the kernel's error of F, and that of S.
"""

from __future__ import annotations

from types import ModuleType
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.row_reductions import row_all, row_any, row_max, row_min
from softmax_harness.operations.screen.batch import Stage, put_exact
from softmax_harness.operations.screen.others import Rows
from softmax_harness.operations.screen.reduction import BIAS, FIELD
from softmax_harness.operations.screen.rounding import rounded
from softmax_harness.operations.screen.sums import HEAD, exact_product
from softmax_harness.operations.screen.weighted_sums import (
    LONGEST,
    WeightedSums,
    weighted_sums,
)
from softmax_harness.operations.screen.workspace import Array, Bits, Workspace, bits_of, workspace
from softmax_harness.operations.truth import Truth

_DISTANCE = 250.0  # exponentials are above 2**-362
_LARGEST = 300  # the grid's exponent is at most this, at least its negative: nothing underflows
_MOST = 700  # exponents of c up to this, and down to its negative: no power of two is infinite
_APART = 6  # rows of c whose largest lie so many powers of two apart can share a grid
_PRODUCT_ERROR = 2.0**-73
_GRID = 51  # bits of the grid that c and m are cut to
_SATURATED = 1.0 + 2.0**-6  # sums of all exponentials over the largest, from here on, are not


class Grid(NamedTuple):
    """By which powers of two numbers are multiplied, so that none is larger than 2**`exponent`.

    Attributes
    ----------
    exponent : int
    shift : ndarray of int64, shape (rows, 1)
        Those of each row: 0 in most.
    """

    exponent: int
    shift: Bits

    @classmethod
    def of(cls, largest: Array) -> Grid | None:
        """For rows whose largest sizes are given, shape (rows, 1); None if one is far from 1.

        Rows up to 2**`_APART` apart share the grid as they are, those about the middle one; the
        others are multiplied.
        """
        if not np.isfinite(largest).all():
            return None
        exponents = np.frexp(largest)[1].astype(np.int64)
        counted = np.sort(exponents[largest > 0.0])
        if not counted.size:
            return cls(0, np.zeros_like(exponents))
        if max(counted[-1], -counted[0]) > _MOST:
            return None
        low, middle, high = counted[0], counted[counted.size // 2], counted[-1]
        most = int(high if high - low <= _APART else min(high, middle + _APART // 2))
        most = min(max(most, -_LARGEST), _LARGEST)
        shares = (exponents <= most) & (exponents >= most - _APART)
        return cls(most, np.where(shares | (largest == 0.0), 0, most - exponents))

    def multiply(self, numbers: Array) -> None:
        """Multiply numbers of shape (rows, n) where they stand."""
        rows = np.flatnonzero(self.shift)
        numbers[rows] *= np.ldexp(1.0, self.shift[rows].astype(np.int32))


class _Numbers(NamedTuple):
    """c, of which none is larger than 2**`grid.exponent`.

    Attributes
    ----------
    c : ndarray of float64, shape (rows, n)
    grid : Grid
    is_zero, from_top : ndarray of bool, shape (rows, 1)
        Where c is 0 throughout; where it is the difference from v at the largest logit.
    """

    c: Array
    grid: Grid
    is_zero: NDArray[np.bool_]
    from_top: NDArray[np.bool_]


class _Mean(NamedTuple):
    """m of each row as two float64, the first on the grid; shape (rows, 1) each.

    Attributes
    ----------
    head, rest : ndarray of float64
    error : ndarray of float64
        Bound of the error of c - m.
    """

    head: Array
    rest: Array
    error: Array


def tail_bits(kernel: ModuleType) -> int | None:
    """By how many bits the tails of its exponentials are smaller; None if it does not say."""
    return getattr(kernel, "TAIL_BITS", None)


def are_near(rows: Rows) -> bool:
    """Whether nothing is left out of rows that are not long, and nothing is far away."""
    if rows.n > LONGEST or rows.usable is not None:
        return False
    with np.errstate(over="ignore"):
        return bool((rows.top - rows.bottom).max() <= _DISTANCE)


def gradient_near(rows: Rows, v: Array, here: Truth, stage: Stage) -> NDArray[np.bool_] | None:
    """s_i (v_i - m) into `here`; True for each row that stays open.

    None where this is not made for it: `here` may be anything then.
    """
    bits = tail_bits(stage.kernel)
    if bits is None or not are_near(rows):
        return None
    w = workspace(rows.x.shape)
    numbers = _numbers(v, v[rows.at_top(slice(0, rows.n))][:, None], w)
    if numbers is None:
        return None
    head, tail, q = rows.exponentials(slice(0, rows.n), w)
    head, tail = plain(head, tail, q)
    open_, memory = None, q.view(np.float64)
    sums = weighted_sums(head, tail, bits, numbers.c, numbers.grid.exponent, memory)
    if _are_saturated(sums, head, rows, numbers):
        w.give(head, tail, memory)
    else:
        mean = _mean(sums, numbers, stage.kernel)
        product, rest, least = _products((head, tail, memory), numbers, mean, w)
        inverse = stage.kernel.inverse([sums.whole, sums.whole_low])
        z = _times_inverse(product, rest, inverse, w)
        share = _shares(mean, least)
        open_ = _rounded_into(here, z, share, (numbers, mean), stage, w)
    if numbers.c is not v:
        w.give(numbers.c)
    return open_


def plain(head: Array, tail: Array, q: NDArray[np.int64]) -> tuple[Array, Array]:
    """2**q head and 2**q tail in their own memory; q is overwritten."""
    q += BIAS * FIELD
    scale = q.view(np.float64)
    head *= scale
    tail *= scale
    return head, tail


def _numbers(v: Array, top: Array, w: Workspace) -> _Numbers | None:
    """c = v - b in memory of `w`, or v itself where b is 0 throughout."""
    high, low = row_max(v, keepdims=True), row_min(v, keepdims=True)
    size, is_up = np.abs(top), top > 0.0
    from_top = (np.where(is_up, low, -high) >= 0.5 * size) & (
        0.5 * np.where(is_up, high, -low) <= size
    )
    base = np.where(from_top, top, 0.0)
    with np.errstate(over="ignore"):
        largest = np.maximum(high - base, base - low)
    grid = Grid.of(largest)
    if grid is None:
        return None
    is_zero = largest == 0.0
    if not (base.any() or grid.shift.any()):
        return _Numbers(v, grid, is_zero, from_top)
    c = w.take()
    np.copyto(c, base)  # NumPy subtracts whole arrays twice as fast as a column
    np.subtract(v, c, out=c)
    grid.multiply(c)
    return _Numbers(c, grid, is_zero, from_top)


def _are_saturated(sums: WeightedSums, head: Array, rows: Rows, numbers: _Numbers) -> bool:
    """Whether c - m would cancel at the largest logit of a row."""
    if numbers.from_top.all():
        return False
    own = head[rows.at_top(slice(0, rows.n))][:, None]
    return bool(((sums.whole < _SATURATED * own) & ~numbers.from_top).any())


def _mean(sums: WeightedSums, numbers: _Numbers, kernel: ModuleType) -> _Mean:
    s = sums.whole
    first = sums.moment / s
    p, e = exact_product(first, s)
    rest = (((sums.moment - p) - e) + (sums.moment_low - first * sums.whole_low)) / s
    head = on_grid(first, numbers.grid.exponent)
    share = sums.size / s
    error = (2.0 * kernel.RELATIVE_ERROR + 2.0**-99) * share
    error = error + (sums.moment_error + share * sums.whole_error) / s
    error = 1.01 * error + 9.0 * 2.0 ** (numbers.grid.exponent - _GRID - 53)
    return _Mean(head, (first - head) + rest, np.where(numbers.is_zero, 0.0, error))


def on_grid(x: Array, e: int, out: Array | None = None) -> Array:
    """The multiples of 2**(e - `_GRID`) nearest to x, |x| <= 2**e."""
    grid = 1.5 * 2.0 ** (52 + e - _GRID)
    found = np.add(x, grid, out=out)
    found -= grid
    return found


def _products(
    terms: tuple[Array, Array, Array], numbers: _Numbers, mean: _Mean, w: Workspace
) -> tuple[Array, Array, Array]:
    """F (c - m) as two numbers, the first exact, and the least |c - m| of each row.

    `terms` are F, head and tail, and memory for more; what is not handed on goes back to `w`.
    """
    fr, tail, memory = terms
    f, d = w.take(), w.take()
    np.bitwise_and(bits_of(fr), HEAD, out=bits_of(f))
    fr -= f
    fr += tail
    below, column = memory, tail
    on_grid(numbers.c, numbers.grid.exponent, d)
    np.subtract(numbers.c, d, out=below)
    np.copyto(column, mean.head)  # NumPy takes whole arrays twice as fast as a column
    d -= column
    np.copyto(column, mean.rest)
    below -= column
    product = column
    np.bitwise_and(bits_of(d), HEAD, out=bits_of(product))
    d -= product
    d += below
    whole = np.add(product, d, out=below)
    product *= f
    fr *= whole
    d *= f
    fr += d
    least = np.abs(whole, out=whole).min(axis=-1)
    w.give(f, d, whole)
    return product, fr, least


def _shares(mean: _Mean, least: Array) -> Array:
    """Twice what the error of c - m is of the least |c - m| of each row, shape (rows,)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(mean.error[:, 0] == 0.0, 0.0, 2.0 * mean.error[:, 0] / least)


def _times_inverse(
    product: Array, rest: Array, inverse: tuple[Array, Array], w: Workspace
) -> tuple[Array, Array]:
    """(product + rest) / S as two numbers, the first exact; gives `rest` back to `w`."""
    first, second = inverse
    top = (bits_of(first) & HEAD).view(np.float64)
    head, column = w.take(), w.take()
    np.bitwise_and(bits_of(product), HEAD, out=bits_of(head))
    product -= head
    product += rest
    np.copyto(column, first)
    product *= column
    np.copyto(column, (first - top) + second)
    column *= head
    product += column
    np.copyto(column, top)
    head *= column
    w.give(rest, column)
    return head, product


def _rounded_into(
    here: Truth,
    z: tuple[Array, Array],
    share: Array,
    known: tuple[_Numbers, _Mean],
    stage: Stage,
    w: Workspace,
) -> NDArray[np.bool_]:
    """Round the results, which go back to `w`; True for each row that stays open.

    As those do of which too much is lost, see `_shares`. What is lost of the others is mostly far
    less than what is allowed, and few results lie so near to a middle.
    """
    (head, tail), (numbers, mean) = z, known
    lost = ~(share <= stage.relative_error)
    zero = numbers.is_zero[:, 0]
    if zero.any():  # what lies deep below all numbers takes long, and so does what is near an edge
        head[zero], tail[zero] = 1.25, 0.0
    q = bits_of(w.take())
    q[:] = -numbers.grid.shift * FIELD
    of_all = _PRODUCT_ERROR + 2.0 * stage.kernel.RELATIVE_ERROR
    most = of_all + float(share.max(where=~lost, initial=0.0))

    def closer(flat: NDArray[np.int64]) -> tuple[float, Array]:
        row = flat // numbers.c.shape[-1]
        apart = np.abs(numbers.c.reshape(-1)[flat] - (mean.head + mean.rest)[row, 0])
        size = np.abs(here.rounded.reshape(-1)[flat]) + here.ulp.reshape(-1)[flat]
        with np.errstate(divide="ignore", invalid="ignore"):
            own = np.where(lost[row] | zero[row], 0.0, 2.0 * mean.error[row, 0] / apart)
        shift = numbers.grid.shift[row, 0].astype(np.int32)
        return 0.0, np.ldexp(size * (of_all + own), shift)

    error = min(most, stage.relative_error)
    open_ = rounded(head, tail, q, here, error, w, closer, below_one=False)
    undecided: NDArray[np.bool_] = lost & ~row_all(here.fixed)
    if open_.any():
        undecided |= row_any(open_ & ~here.fixed)
    if zero.any():
        put_exact(here, zero, 0.0, undecided)
    return undecided
