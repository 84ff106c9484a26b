"""The largest logit of each row, and the sum of the exponentials of the others.

What log_softmax, cross-entropy and the gradients need of a saturated row is the sum of the others
itself, however small: 1 + rest has lost it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from types import ModuleType
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.row_reductions import row_max, row_min
from softmax_harness.operations.screen import masks
from softmax_harness.operations.screen.arguments import DIRECT, distance, too_far
from softmax_harness.operations.screen.logarithm import Scaled
from softmax_harness.operations.screen.reduction import FIELD
from softmax_harness.operations.screen.sums import exact_product, two_sum, two_sums
from softmax_harness.operations.screen.workspace import (
    BLOCK_ELEMENTS,
    Array,
    Bits,
    Workspace,
    rows_of_a_block,
    workspace,
)

Terms = tuple[Array, Array, Bits]
_LEAST = -2040 * FIELD  # below the exponent of every term
_DEPTH = 1300.0  # so far below the largest lies what is left out, or as far as can be


@dataclass(frozen=True)
class Rows:
    """Some rows of logits, or one long row.

    Attributes
    ----------
    x : ndarray of float64, shape (rows, n)
        Anything that is not finite is left out. Rows with a NaN or +inf, or with nothing finite,
        give anything.
    top, bottom : ndarray of float64, shape (rows, 1)
        The largest and the smallest finite logit.
    place : ndarray of int64, shape (rows, 1)
        Where the largest is.
    usable : ndarray of bool, shape (rows, 1), or None
        Which rows have a largest logit; None if nothing at all is left out.
    kernel : module
        `softmax_harness.operations.screen.light` or `full`.
    """

    x: Array
    top: Array
    bottom: Array
    place: NDArray[np.int64]
    usable: NDArray[np.bool_] | None
    kernel: ModuleType

    @classmethod
    def of(cls, x: Array, kernel: ModuleType) -> Rows:
        """The rows of x."""
        place = x.argmax(axis=-1)[:, None]
        top, bottom = x[np.arange(len(x))[:, None], place], row_min(x, keepdims=True)
        if np.isfinite(top).all() and np.isfinite(bottom).all():
            return cls(x, top, bottom, place, None, kernel)
        usable = np.isfinite(top)
        top = np.where(usable, top, 0.0)
        found = cls(x, top, top, place, usable, kernel)
        for piece in found.pieces():
            least = np.where(found.kept(piece), x[:, piece], top).min(axis=-1, keepdims=True)
            found = replace(found, bottom=np.minimum(found.bottom, least))
        return found

    @property
    def n(self) -> int:
        """The length of the rows."""
        return int(self.x.shape[-1])

    @property
    def single(self) -> NDArray[np.bool_]:
        """Rows with at most one finite entry, whose others add up to exactly 0; shape (rows,)."""
        if self.usable is None:
            return np.zeros(len(self.x), bool)
        return np.asarray(np.count_nonzero(np.isfinite(self.x), axis=-1) <= 1)

    def pieces(self) -> Iterator[slice]:
        """Parts of the row that the workspace holds, of one length but for the last."""
        count = -(-self.n // BLOCK_ELEMENTS)
        size = -(-self.n // count)
        return (slice(start, min(start + size, self.n)) for start in range(0, self.n, size))

    def some(self, chosen: slice) -> Rows:
        """Some of the rows."""
        usable = None if self.usable is None else self.usable[chosen]
        top, bottom, place = self.top[chosen], self.bottom[chosen], self.place[chosen]
        return Rows(self.x[chosen], top, bottom, place, usable, self.kernel)

    def chunks(self) -> Iterator[slice]:
        """As many rows at a time as make a block, at least one."""
        step = rows_of_a_block(len(self.x), self.n)
        return (slice(start, start + step) for start in range(0, len(self.x), step))

    def kept(self, piece: slice) -> NDArray[np.bool_]:
        """What is not left out."""
        return np.asarray(np.isfinite(self.x[:, piece]) & (self.usable is None or self.usable))

    def numbers(self, piece: slice) -> tuple[Array, Array | None]:
        """x with something small in place of what is left out, and weights that are 0 there.

        Rows without a largest logit are zeros, each of which counts.
        """
        if self.usable is None:
            return self.x[:, piece], None
        small = self.top - _DEPTH
        small = np.where(np.abs(self.top) > DIRECT, small, np.maximum(small, -DIRECT))
        keep = self.kept(piece)
        x = masks.where(keep, self.x[:, piece], np.where(self.usable, small, 0.0))
        return x, (keep | ~self.usable).astype(np.float64)

    def at_top(self, piece: slice) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The rows whose largest logit lies in the piece, and its column there."""
        column = self.place[:, 0] - piece.start
        row = np.arange(len(column))
        if piece.start == 0 and piece.stop >= self.n:
            return row, column
        inside = (column >= 0) & (column < piece.stop - piece.start)
        return row[inside], column[inside]

    def exponentials(self, piece: slice, w: Workspace) -> Terms:
        """exp(x), in units of a power of two of each row, as 2**q (head + tail).

        In memory of `w`; 0 for what is left out; q is 0 at the largest logit.
        """
        x, weights = self.numbers(piece)
        found: Terms
        if too_far(self.top, self.bottom):
            d, low = distance(x, self.top)
            inexact = low if low.any() else None
            found = self.kernel.exponentials(d, np.zeros_like(self.top), inexact, weights, w)
        else:
            found = self.kernel.exponentials(x, self.top, None, weights, w)
        return found


class Parts(NamedTuple):
    """The sum over each row in two parts, shape (rows, 1) each.

    Attributes
    ----------
    own, own_tail : ndarray of float64
        The term of the largest logit, as two float64, from 1 to 2.
    rest : Scaled
        The sum of the others.
    """

    own: Array
    own_tail: Array
    rest: Scaled

    @property
    def whole(self) -> tuple[Array, Array]:
        """The sum of both as two float64."""
        shift = self.rest.exponent.astype(np.int32)
        total, error = two_sum(self.own, np.ldexp(self.rest.head, shift))
        return two_sum(total, error + (self.own_tail + np.ldexp(self.rest.tail, shift)))

    @property
    def ratio(self) -> Scaled:
        """rest / own, which is the sum of exp(x_j - top) over the others; within 2**-103."""
        own, own_tail = two_sum(self.own, self.own_tail)
        first = self.rest.head / own
        p, e = exact_product(first, own)
        remainder = ((self.rest.head - p) - e) + (self.rest.tail - first * own_tail)
        return Scaled(*two_sum(first, remainder / own), self.rest.exponent)


class Sums(NamedTuple):
    """The sum over each row in two parts, that of the others in columns, shape (rows, 1) each.

    Attributes
    ----------
    own, own_tail : ndarray of float64
        As in `Parts`.
    columns : tuple of ndarray of float64
        They add up to the sum of the others, in units of 2**unit.
    unit : ndarray of int64
        As `softmax_harness.operations.screen.reduction.exponent` has it.
    """

    own: Array
    own_tail: Array
    columns: tuple[Array, ...]
    unit: Bits

    @classmethod
    def of(cls, rows: Rows, piece: slice, terms: Terms, w: Workspace) -> Sums:
        """Those of a piece of the rows, see `parts_of`."""
        head, tail, q = (each.reshape(-1) for each in terms)
        row, column = rows.at_top(piece)
        width, own = terms[0].shape[-1], np.zeros((2, len(terms[0]), 1))
        at_top = row * width + column
        own[0, row, 0], own[1, row, 0] = head[at_top], tail[at_top]
        head[at_top], tail[at_top], q[at_top] = 0.0, 0.0, _LEAST
        unit = row_max(terms[2], keepdims=True)
        q[at_top] = unit[row, 0]
        columns = rows.kernel.columns_of(*terms, rows.n, w, unit)
        head[at_top], tail[at_top], q[at_top] = own[0, row, 0], own[1, row, 0], 0
        return cls(own[0], own[1], tuple(columns), unit)

    @classmethod
    def concatenated(cls, found: list[Sums]) -> Sums:
        """Those of all rows, from those of some of them each."""
        own, own_tail, columns, unit = zip(*found, strict=True)
        whole = tuple(np.concatenate(each) for each in zip(*columns, strict=True))
        return cls(np.concatenate(own), np.concatenate(own_tail), whole, np.concatenate(unit))

    @property
    def parts(self) -> Parts:
        """The same with the columns added up."""
        rest = Scaled(*two_sums(list(self.columns)), self.unit >> 52)
        return Parts(self.own, self.own_tail, rest)


def sums_of(rows: Rows) -> Parts:
    """The sum over each row; see `parts_of`."""
    pieces = list(rows.pieces())
    if len(pieces) > 1:
        chunks = list(rows.chunks())
        if len(chunks) > 1:
            return concatenated([sums_of(rows.some(each)) for each in chunks])
        return joined([_sums_of(rows, each).parts for each in pieces])
    return Sums.concatenated([_sums_of(rows.some(each), pieces[0]) for each in rows.chunks()]).parts


def _sums_of(rows: Rows, piece: slice) -> Sums:
    w = workspace(rows.x[:, piece].shape)
    terms = rows.exponentials(piece, w)
    found = Sums.of(rows, piece, terms, w)
    w.give(*terms[:2], terms[2].view(np.float64))
    return found


def parts_of(rows: Rows, piece: slice, terms: Terms, w: Workspace) -> Parts:
    """The sum of a piece, that of the others with the kernel's error relative to it.

    They are divided by the power of two of the largest of them, so that their sum is at least that
    largest, above 1 - 2**-15, as that of a whole row is.
    """
    return Sums.of(rows, piece, terms, w).parts


def concatenated(parts: list[Parts]) -> Parts:
    """The parts of all rows, from those of some of them each."""
    own = np.concatenate([each.own for each in parts])
    own_tail = np.concatenate([each.own_tail for each in parts])
    return Parts(own, own_tail, Scaled.concatenated([each.rest for each in parts]))


def joined(parts: list[Parts]) -> Parts:
    """The parts of one row from those of its pieces, of which one alone has the largest logit."""
    if len(parts) == 1:
        return parts[0]
    own = np.sum([each.own for each in parts], axis=0)
    own_tail = np.sum([each.own_tail for each in parts], axis=0)
    return Parts(own, own_tail, added([each.rest for each in parts]))


def added(parts: list[Scaled]) -> Scaled:
    """The sum of the parts of one row; each of fewer than 2**10 additions errs by 2**-105."""
    if len(parts) == 1:
        return parts[0]
    scale = np.max([each.exponent for each in parts], axis=0)
    total, rest = np.zeros(scale.shape), np.zeros(scale.shape)
    for each in parts:
        shift = (each.exponent - scale).astype(np.int32)
        total, error = two_sum(total, np.ldexp(each.head, shift))
        total, rest = two_sum(total, rest + (error + np.ldexp(each.tail, shift)))
    return Scaled(total, rest, scale)
