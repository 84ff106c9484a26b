"""The screen of softmax's Jacobian times a vector: s_i (v_i - sum s_j v_j).

The same with c = v - v_top, top the place of the largest logit, in place of v: what a saturated row
has is c_i - m with m = sum s_j c_j, small, which must not be rounded beside v. Where c_i is 0 the
result is -s_i m, as precise as m is, however small. Elsewhere c_i and m may cancel: rows in which
they do by more than the bound allows stay open.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.formats import Format
from softmax_harness.ground.row_reductions import row_any, row_max, row_min
from softmax_harness.operations.screen import fine, full, light, masks, middle
from softmax_harness.operations.screen.arguments import difference
from softmax_harness.operations.screen.batch import Chosen, Screened, Stage, by_blocks, put_exact
from softmax_harness.operations.screen.logarithm import Scaled
from softmax_harness.operations.screen.near import gradient_near
from softmax_harness.operations.screen.others import Rows, Terms, added, joined, parts_of
from softmax_harness.operations.screen.reduction import BIAS, FIELD, power_of_two
from softmax_harness.operations.screen.rounding import rounded
from softmax_harness.operations.screen.sums import exact_product, product_into, two_sum, two_sums
from softmax_harness.operations.screen.workspace import Array, Bits, Workspace, bits_of, workspace
from softmax_harness.operations.truth import Truth

# The error of m is at most this times the kernel's and times A, A = sum s_j |c_j|: that of the
# terms' sum, 4 times, since the largest term may be only half its power of two and all of them
# are twice as large as in a sum of exponentials; that of 1/S and of S.
_MOMENT_ERROR = 8.0
_RANGE = 900  # differences of v that are 2**_RANGE apart stay open
_LARGEST = 2.0**1000  # so does what is larger
_COARSE = 2.0**-45  # relative errors from here on leave a float64 bits to spare
USUAL = 300  # exponents of v up to this, and down to its negative, need no scaling
_ZERO = -1500  # an exponent below all that counts
_EXPONENT_FIELD = 0x7FF * FIELD


def kernels_of(format: Format) -> tuple[ModuleType, ...]:
    """What may cancel needs bits to spare: kernels more precise than for softmax."""
    if format.precision > 24:
        return fine, full
    return (light,) if format.precision <= 11 else (middle,)


def relative_error(format: Format) -> float:
    """What is lost in c_i - m may be so large: 2**-20 ulp, or 24 bits of what there are."""
    least = 2.0**24 * _MOMENT_ERROR * kernels_of(format)[-1].RELATIVE_ERROR
    return float(max(2.0 ** -(format.precision + 20), least))


def are_usual(v: Array) -> bool:
    """Whether all of them, but for 0, have exponents within `USUAL`."""
    size = v.view(np.uint64) << np.uint64(1)  # without the sign
    if size.size and size.max() >= _bits_of_size(USUAL):
        return False
    size -= np.uint64(1)  # of 0 it is the largest there is
    return not size.size or bool(size.min() >= _bits_of_size(-USUAL))


def _bits_of_size(exponent: int) -> np.uint64:
    return np.uint64((BIAS + exponent) << 53)


@dataclass(frozen=True)
class Weights:
    """Numbers that exponentials are multiplied by, divided by a power of two where that is needed.

    Attributes
    ----------
    v : ndarray of float64, shape (rows, n)
    exponent : ndarray of int64, shape (rows, 1)
        Not 0 if they are very large or very small.
    open : ndarray of bool, shape (rows,)
        Where they are out of range, which gives anything.
    """

    v: Array
    exponent: Bits
    open: NDArray[np.bool_]

    @classmethod
    def of(cls, rows: Rows, v: Array) -> Weights:
        """The numbers v of the rows, of their shape."""
        if all(are_usual(v[:, piece]) for piece in rows.pieces()):
            return cls.usual(v)
        largest, least = np.zeros(rows.top.shape), np.full(rows.top.shape, np.inf)
        for piece in rows.pieces():
            size = np.abs(v[:, piece])
            largest = np.maximum(largest, row_max(size, keepdims=True))
            low = row_min(size, keepdims=True)
            if not low.all():
                low = row_min(np.where(size == 0.0, np.inf, size), keepdims=True)
            least = np.minimum(least, low)
        usable = largest < _LARGEST
        exponent = np.frexp(np.where(usable, largest, 1.0))[1].astype(np.int64)
        usable &= least >= np.ldexp(1.0, (exponent - _RANGE).astype(np.int32))
        return cls(v, np.where(np.abs(exponent) < USUAL, 0, exponent), ~usable[:, 0])

    @classmethod
    def usual(cls, v: Array) -> Weights:
        """Those of numbers that `are_usual`."""
        return cls(v, np.zeros((len(v), 1), np.int64), np.zeros(len(v), bool))

    def some(self, chosen: slice) -> Weights:
        """Of some of the rows."""
        return Weights(self.v[chosen], self.exponent[chosen], self.open[chosen])

    def scaled(self, piece: slice) -> Array:
        """Some columns of them, divided; 0 where they are out of range."""
        v = self.v[:, piece]
        if self.open.any():
            v = np.where(self.open[:, None], 0.0, v)
        rows = np.flatnonzero(self.exponent)
        if rows.size:
            v = v.copy()
            shift = -self.exponent[rows].astype(np.int32)
            half = shift >> 1  # no power of two is infinite, and two products take less than ldexp
            v[rows] = v[rows] * np.ldexp(1.0, half) * np.ldexp(1.0, shift - half)
        return v


@dataclass(frozen=True)
class Vector:
    """c of some rows, divided by a power of two if v is very large or very small.

    Attributes
    ----------
    v, top : ndarray of float64, shapes (rows, n) and (rows, 1)
    exponent : ndarray of int64, shape (rows, 1)
    open : ndarray of bool, shape (rows,)
        Where v is out of range, which gives anything.
    """

    v: Array
    top: Array
    exponent: Bits
    open: NDArray[np.bool_]

    @classmethod
    def of(cls, rows: Rows, v: Array) -> Vector:
        """That of the rows' v, of their shape."""
        top, known = np.take_along_axis(v, rows.place, axis=-1), Weights.of(rows, v)
        return cls(v, top, known.exponent, known.open)

    def differences(self, rows: Rows, piece: slice, w: Workspace) -> tuple[Array, Array | None]:
        """c as two float64, in memory of `w`, the second None if it is 0 throughout.

        0 where the logit is left out.
        """
        c, low = difference(self.v[:, piece], self.top, w)
        if rows.usable is not None:
            kept = masks.all_bits(rows.kept(piece))
            masks.put(c, kept, 0.0)
            masks.put(low, kept, 0.0)
        if self.open.any():  # difference may be anything there
            c[self.open] = low[self.open] = 0.0
        if self.exponent.any():
            shift = -self.exponent.astype(np.int32)
            np.ldexp(c, shift, out=c)
            np.ldexp(low, shift, out=low)
        if low.any():
            return c, low
        w.give(low)
        return c, None


Plain = tuple[Array, Array, Array]


@dataclass(frozen=True)
class Moment:
    """The sum of E_j c_j over a row, E exponentials, and a bound of that of E_j |c_j|.

    Attributes
    ----------
    sum : Scaled
    size : ndarray of float64, shape (rows, 1)
        In units of 2**sum.exponent.
    """

    sum: Scaled
    size: Array

    @classmethod
    def of(cls, c: tuple[Array, Array | None], terms: Terms, rows: Rows, w: Workspace) -> Moment:
        """Of a piece of the rows.

        Each product is divided by the power of two of the largest, or by 2**-1022 if all are below.
        """
        below = bits_of(w.take())
        np.bitwise_and(bits_of(c[0]), _EXPONENT_FIELD, out=below)
        below += terms[2]
        # Of what is 0 throughout it would be beyond all integers.
        largest = np.maximum(row_max(below, keepdims=True), -(BIAS + 1) * FIELD)
        unit = largest - (BIAS - 1) * FIELD
        head, tail = rows.kernel.times(terms[0], terms[1], c[0], w)
        memory = w.take()
        if c[1] is not None:
            _add_product(tail, terms[0], c[1], memory)
        # The unit is at least 2**-1022, so that no power of two is infinite.
        scale = power_of_two(terms[2], below, unit)
        head *= scale
        tail *= scale
        size = 1.001 * np.abs(head, out=memory).sum(axis=-1, keepdims=True)
        columns = rows.kernel.columns_of(head, tail, None, rows.n, w)
        w.give(below.view(np.float64), head, tail, memory)
        return cls(Scaled(*two_sums(columns), unit >> 52), size)

    @classmethod
    def joined(cls, parts: list[Moment]) -> Moment:
        """The moment of one row from those of its pieces."""
        if len(parts) == 1:
            return parts[0]
        total = added([each.sum for each in parts])
        shifts = [(each.sum.exponent - total.exponent).astype(np.int32) for each in parts]
        sizes = [np.ldexp(each.size, shift) for each, shift in zip(parts, shifts, strict=True)]
        return cls(total, np.sum(sizes, axis=0))

    @classmethod
    def concatenated(cls, parts: list[Moment]) -> Moment:
        """The moments of all rows, from those of some of them each."""
        sums = Scaled.concatenated([each.sum for each in parts])
        return cls(sums, np.concatenate([each.size for each in parts]))

    @staticmethod
    def error(kernel: ModuleType) -> float:
        """The bound of the error of the sum, and of that over S, relative to that of E_j |c_j|."""
        return float(_MOMENT_ERROR * kernel.RELATIVE_ERROR)

    @property
    def exponent(self) -> Bits:
        """That of the sum; 0 where all terms are 0."""
        return np.where((self.sum.head == 0.0) & (self.size == 0.0), 0, self.sum.exponent)

    @property
    def plain(self) -> Plain | None:
        """The sum as two float64 and the bound, in units of 1; None where a sum is deep, but not 0.

        In the order head, bound, tail.
        """
        shift = self.exponent
        if shift.min() < -USUAL or shift.max() > USUAL:
            return None
        head, tail = (np.ldexp(each, shift.astype(np.int32)) for each in self.sum[:2])
        return head, np.ldexp(self.size, shift.astype(np.int32)), tail

    def over(self, inverse: tuple[Array, Array]) -> Moment:
        """m: the sum over S."""
        p, e = exact_product(self.sum.head, inverse[0])
        tail = e + (self.sum.head * inverse[1] + self.sum.tail * inverse[0])
        return Moment(Scaled(*two_sum(p, tail), self.sum.exponent), 1.001 * self.size * inverse[0])


def gradient(
    x: Array, v: Array, fixed: NDArray[np.bool_], expected: Array, format: Format
) -> Screened:
    """s_i (v_i - sum s_j v_j), x and v of shape (rows, n).

    What `gradient_near` leaves open may cancel only on its grid: the last stage does without one.
    The one kernel of narrow formats takes no grid, and is the only stage.
    """
    kernels, error = kernels_of(format), relative_error(format)
    stages = [Stage(each, error) for each in dict.fromkeys((kernels[0], kernels[-1]))]

    def screen_part(part: Chosen, here: Truth, stage: Stage) -> NDArray[np.bool_]:
        rows = Rows.of(x[part], stage.kernel)
        near = None if stage is stages[-1] else gradient_near(rows, v[part], here, stage)
        if near is not None:
            return near
        vector = Vector.of(rows, v[part])
        undecided = rows.single | vector.open
        inverse, mean, pieces = _mean_and_pieces(rows, vector)
        for piece, terms, c, w in pieces:
            of_piece = here.columns(piece)
            scaled = (*stage.kernel.scaled(terms[0], terms[1], inverse, w), terms[2])
            open_ = _products(scaled, c, mean, vector.exponent, of_piece, stage, w)
            if open_.any():
                undecided |= row_any(open_ & ~of_piece.fixed)
        put_exact(here, rows.single, 0.0, undecided)
        # Of a v that is the same throughout the products are 0, which tells no spacing.
        alike = np.flatnonzero(mean.size[:, 0] == 0.0)
        alike = alike[(vector.v[alike] == vector.top[alike]).all(axis=-1)]
        put_exact(here, alike, 0.0, undecided)
        return undecided

    return by_blocks(x.shape[-1], fixed, expected, format, stages, screen_part)


Piece = tuple[slice, Terms, tuple[Array, Array | None], Workspace]


def _mean_and_pieces(
    rows: Rows, vector: Vector
) -> tuple[tuple[Array, Array], Moment, Iterable[Piece]]:
    """1/S, the mean m, and the terms and c of each piece, computed again if there are several."""
    sums, moments = [], []
    pieces = list(rows.pieces())
    for piece in pieces:
        found = _piece(rows, vector, piece)
        _, terms, c, w = found
        sums.append(parts_of(rows, piece, terms, w))
        moments.append(Moment.of(c, terms, rows, w))
        if len(pieces) > 1:
            w.give(*terms[:2], terms[2].view(np.float64), *(each for each in c if each is not None))
    inverse = rows.kernel.inverse(list(joined(sums).whole))
    mean = Moment.joined(moments).over(inverse)
    if len(pieces) == 1:
        return inverse, mean, [found]
    return inverse, mean, (_piece(rows, vector, piece) for piece in pieces)


def _piece(rows: Rows, vector: Vector, piece: slice) -> Piece:
    w = workspace(rows.x[:, piece].shape)
    return piece, rows.exponentials(piece, w), vector.differences(rows, piece, w), w


def _products(
    s: Terms,
    c: tuple[Array, Array | None],
    mean: Moment,
    exponent: Bits,
    here: Truth,
    stage: Stage,
    w: Workspace,
) -> NDArray[np.bool_]:
    """s_i (c_i - m), times 2**exponent, into `here`; gives what is not decided.

    Gives s and c back to `w`. The product of the tails is left out: the light kernel's tail is
    below 2**-25 of s, that of c_i - m a few ulp.
    """
    if stage.relative_error >= _COARSE and c[1] is None and not exponent.any():
        m = mean.plain
        if m is not None:
            return _rounded_products(s, c[0], mean, m, here, stage, w)
    kernel_error = _MOMENT_ERROR * stage.kernel.RELATIVE_ERROR
    head, tail, q = s
    d, rest, uncertain = _less_mean(c, mean, kernel_error, q, w)
    if exponent.any():
        _raise(q, exponent)
    product, memory = w.take(), w.take()
    lost = np.abs(d, out=memory) < uncertain / (0.5 * stage.relative_error)
    tail *= d
    _add_product(tail, head, rest, memory)
    error = rest
    product_into(head, d, product, error, memory, w)
    tail += error
    w.give(d, rest, memory)

    def closer(flat: NDArray[np.int64]) -> tuple[float, Array]:
        own = np.broadcast_to(2.0 * uncertain, head.shape).ravel()[flat]
        own = own + kernel_error * np.abs(c[0].ravel()[flat])
        return 0.0, np.abs(head.ravel()[flat]) * own

    open_ = rounded(product, tail, q, here, stage.relative_error, w, closer, below_one=False)
    w.give(head, *(each for each in c if each is not None))
    return np.asarray(open_ | lost)


def _rounded_products(
    s: Terms, c: Array, mean: Moment, m: Plain, here: Truth, stage: Stage, w: Workspace
) -> NDArray[np.bool_]:
    """As `_products` where what is asked for is far coarser than a float64.

    c - m and its product with s are rounded, by 2**-53 each of themselves, and so is what is added
    to that: below 2**-51 in all.
    """
    kernel_error = _MOMENT_ERROR * stage.kernel.RELATIVE_ERROR
    head, tail, q = s
    d, rest = w.take(), w.take()
    np.copyto(rest, m[0])  # NumPy subtracts whole arrays twice as fast as a column
    np.subtract(c, rest, out=d)
    uncertain = kernel_error * m[1]
    least = np.abs(d, out=rest).min(axis=-1, keepdims=True)
    bar = uncertain / (0.5 * stage.relative_error)
    lost = rest < bar if (least < bar).any() else None
    tail *= d
    np.copyto(rest, m[2])
    rest *= head
    tail -= rest
    d *= head
    w.give(rest)

    def closer(flat: NDArray[np.int64]) -> tuple[float, Array]:
        row, size = flat // c.shape[-1], np.abs(c.ravel()[flat])
        apart = np.abs(c.ravel()[flat] - m[0][row, 0])
        own = 2.0 * uncertain[row, 0] + kernel_error * size + 2.0**-51 * apart
        return 0.0, np.abs(head.ravel()[flat]) * own

    open_ = rounded(d, tail, q, here, stage.relative_error, w, closer, below_one=False)
    w.give(head, c)
    if lost is not None:
        open_ |= lost
    return open_


def _less_mean(
    c: tuple[Array, Array | None], mean: Moment, kernel_error: float, q: Bits, w: Workspace
) -> tuple[Array, Array, Array]:
    """c - m as two float64 in memory of `w`, and the bound of the error of m.

    Where c is 0 and m deep, its power of two goes to q.
    """
    m, shift = mean.sum, np.maximum(mean.exponent, _ZERO).astype(np.int32)
    d, rest = difference(c[0], np.ldexp(m.head, shift), w)
    rest -= np.ldexp(m.tail, shift)
    if c[1] is not None:
        rest += c[1]
    uncertain = np.ldexp(kernel_error * mean.size, shift)
    if (shift < -USUAL).any():
        zero = c[0] == 0.0
        d[:] = np.where(zero, -m.head, d)
        rest[:] = np.where(zero, -m.tail, rest)
        uncertain = np.where(zero, kernel_error * mean.size, uncertain)
        _raise(q, np.where(zero, m.exponent, 0))
    return d, rest, uncertain


def _raise(q: Bits, exponent: Bits) -> None:
    """Add exponents to those of q, which has them in units of `FIELD`; none is below `_ZERO`."""
    q >>= 52
    q += exponent
    np.maximum(q, _ZERO, out=q)
    q <<= 52


def _add_product(total: Array, a: Array, b: Array, memory: Array) -> None:
    total += np.multiply(a, b, out=memory)
