"""The screen of softmax's Jacobian times a vector: s_i (v_i - sum s_j v_j).

The same with c = v - v_top, top the place of the largest logit, in place of v: what a saturated row
has is c_i - m with m = sum s_j c_j, small, which must not be rounded beside v. Where c_i is 0 the
result is -s_i m, as precise as m is, however small. Elsewhere c_i and m may cancel: rows in which
they do by more than the bound allows stay open.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.formats import Format
from softmax_harness.operations.screen import full, light, middle
from softmax_harness.operations.screen.batch import Chosen, Screened, Stage, by_blocks
from softmax_harness.operations.screen.logarithm import Scaled
from softmax_harness.operations.screen.others import Rows, Terms, added, joined, parts_of
from softmax_harness.operations.screen.rounding import rounded
from softmax_harness.operations.screen.sums import exact_product, two_sum, two_sums
from softmax_harness.operations.screen.workspace import Array, Bits, Workspace, bits_of, workspace
from softmax_harness.operations.truth import Truth

# The error of m is at most this times the kernel's and times A, A = sum s_j |c_j|: that of the
# terms' sum, 4 times, since the largest term may be only half its power of two and all of them
# are twice as large as in a sum of exponentials; that of 1/S and of S.
_MOMENT_ERROR = 8.0
_RANGE = 900  # differences of v that are 2**_RANGE apart stay open
_LARGEST = 2.0**1000  # so does what is larger
_ZERO = -1500  # an exponent below all that counts


def kernel_of(format: Format) -> ModuleType:
    """What may cancel needs bits to spare: a kernel more precise than for softmax."""
    return light if format.precision <= 11 else middle if format.precision <= 24 else full


def relative_error(format: Format) -> float:
    """What is lost in c_i - m may be so large: 2**-20 ulp, or 24 bits of what there are."""
    least = 2.0**24 * _MOMENT_ERROR * kernel_of(format).RELATIVE_ERROR
    return float(max(2.0 ** -(format.precision + 20), least))


@dataclass(frozen=True)
class Vector:
    """c of some rows, divided by a power of two that makes it at most 1.

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
        top = np.take_along_axis(v, rows.place, axis=-1)
        first = cls(v, top, np.zeros(top.shape, np.int64), np.zeros(len(v), bool))
        largest, least = np.zeros(top.shape), np.full(top.shape, np.inf)
        for piece in rows.pieces():
            size = np.abs(first.differences(rows, piece)[0])
            largest = np.fmax(largest, size.max(axis=-1, keepdims=True))
            low = size.min(axis=-1, keepdims=True)
            if not low.all():
                low = np.where(size == 0.0, np.inf, size).min(axis=-1, keepdims=True)
            least = np.fmin(least, low)
        usable = (largest < _LARGEST) & (np.abs(top) < _LARGEST)
        exponent = np.frexp(np.where(usable, largest, 1.0))[1].astype(np.int64)
        usable &= least >= np.ldexp(1.0, (exponent - _RANGE).astype(np.int32))
        return cls(v, top, exponent, ~usable[:, 0])

    def differences(self, rows: Rows, piece: slice) -> tuple[Array, Array]:
        """c as two float64; 0 where the logit is left out."""
        with np.errstate(over="ignore", invalid="ignore"):
            c, low = two_sum(self.v[:, piece], -self.top)
        if rows.usable is not None:
            hidden = ~np.isfinite(rows.x[:, piece])
            c[hidden] = low[hidden] = 0.0
        if self.open.any():
            c[self.open] = low[self.open] = 0.0
        shift = -self.exponent.astype(np.int32)
        if shift.any():
            c, low = np.ldexp(c, shift), np.ldexp(low, shift)
        return c, low


@dataclass(frozen=True)
class Moment:
    """The sum of E_j c_j over a row, E = exp(x - top), and a bound of that of E_j |c_j|.

    Attributes
    ----------
    sum : Scaled
    size : ndarray of float64, shape (rows, 1)
        In units of 2**sum.exponent.
    """

    sum: Scaled
    size: Array

    @classmethod
    def of(cls, c: tuple[Array, Array], terms: Terms, rows: Rows, w: Workspace) -> Moment:
        """Of a piece of the rows; each product is divided by the power of two of the largest."""
        exponent = (terms[2] >> 52) + np.frexp(c[0])[1]
        exponent[c[0] == 0.0] = _LEAST
        scale = exponent.max(axis=-1, keepdims=True)
        head, tail = exact_product(terms[0], c[0])
        tail += terms[0] * c[1] + terms[1] * c[0]
        below = bits_of(w.take())
        np.minimum((terms[2] >> 52) - scale, 1000, out=below)
        below <<= 52
        columns = rows.kernel.columns_of(head, tail, below, rows.n, w)
        np.abs(head, out=head)
        head *= np.ldexp(1.0, np.maximum(below >> 52, -1000).astype(np.int32))
        w.give(below.view(np.float64))
        size = 1.001 * head.sum(axis=-1, keepdims=True)
        return cls(Scaled(*two_sums(columns), scale), size)

    @classmethod
    def joined(cls, parts: list[Moment]) -> Moment:
        """The moment of one row from those of its pieces."""
        total = added([each.sum for each in parts])
        shifts = [(each.sum.exponent - total.exponent).astype(np.int32) for each in parts]
        sizes = [np.ldexp(each.size, shift) for each, shift in zip(parts, shifts, strict=True)]
        return cls(total, np.sum(sizes, axis=0))

    def over(self, inverse: tuple[Array, Array]) -> Moment:
        """m: the sum over S."""
        p, e = exact_product(self.sum.head, inverse[0])
        tail = e + (self.sum.head * inverse[1] + self.sum.tail * inverse[0])
        return Moment(Scaled(*two_sum(p, tail), self.sum.exponent), 1.001 * self.size * inverse[0])


_LEAST = -5000


def gradient(
    x: Array, v: Array, fixed: NDArray[np.bool_], expected: Array, format: Format
) -> Screened:
    """s_i (v_i - sum s_j v_j), x and v of shape (rows, n)."""
    stages = [Stage(kernel_of(format), relative_error(format))]

    def screen_part(part: Chosen, here: Truth, stage: Stage) -> NDArray[np.bool_]:
        kernel, error = stage
        rows = Rows.of(x[part], kernel)
        vector = Vector.of(rows, v[part])
        undecided = rows.of_one_value | vector.open
        kept, sums, moments = [], [], []
        pieces = list(rows.pieces())
        for piece in pieces:
            w = workspace(rows.x[:, piece].shape)
            terms, c = rows.exponentials(piece, w), vector.differences(rows, piece)
            sums.append(parts_of(rows, piece, terms, w))
            moments.append(Moment.of(c, terms, rows, w))
            if len(pieces) == 1:
                kept.append((terms, c))
            else:
                w.give(terms[0], terms[1], terms[2].view(np.float64))
        inverse = kernel.inverse(list(joined(sums).whole))
        mean = Moment.joined(moments).over(inverse)
        for piece in pieces:
            w = workspace(rows.x[:, piece].shape)
            if not kept:
                terms, c = rows.exponentials(piece, w), vector.differences(rows, piece)
            of_piece = here.columns(piece)
            scaled = (*kernel.scaled(terms[0], terms[1], inverse, w), terms[2])
            open_ = _products(scaled, c, mean, vector.exponent, of_piece, error, w)
            undecided |= (open_ & ~of_piece.fixed).any(axis=-1)
        return undecided

    return by_blocks(x.shape[-1], fixed, expected, format, stages, screen_part)


def _products(
    s: Terms,
    c: tuple[Array, Array],
    mean: Moment,
    exponent: Bits,
    here: Truth,
    error: float,
    w: Workspace,
) -> NDArray[np.bool_]:
    """s_i (c_i - m), times 2**exponent, into `here`; gives what is not decided. Consumes s.

    The product of the tails is left out: the light kernel's tail is below 2**-25 of s, that of
    c_i - m a few ulp.
    """
    kernel_error = _MOMENT_ERROR * kernel_of(here.format).RELATIVE_ERROR
    m, scale = mean.sum, mean.sum.exponent
    shift = np.maximum(scale, _ZERO).astype(np.int32)
    own = np.ldexp(kernel_error * mean.size, shift)
    d, rest = two_sum(c[0], -np.ldexp(m.head, shift))
    rest += c[1] - np.ldexp(m.tail, shift)
    zero = c[0] == 0.0
    d = np.where(zero, -m.head, d)
    rest = np.where(zero, -m.tail, rest)
    uncertain = np.where(zero, kernel_error * mean.size, own)
    head, tail, q = s
    lost = uncertain > 0.5 * error * np.abs(d)
    product, e = exact_product(head, d)
    tail *= d
    tail += head * rest
    tail += e
    certain = (np.abs(head) * uncertain, kernel_error * np.abs(product))
    head[:] = product
    plain = (q >> 52) + np.where(zero, scale, 0) + exponent
    np.maximum(plain, _ZERO, out=plain)
    plain[product == 0.0] = _ZERO
    np.left_shift(plain, 52, out=q)

    def closer(flat: NDArray[np.int64]) -> tuple[float, Array]:
        return 0.0, certain[0].ravel()[flat] + certain[1].ravel()[flat]

    return np.asarray(rounded(head, tail, q, here, error, w, closer, below_one=False) | lost)
