"""The largest logit of each row, and the sum of the exponentials of the others.

What log_softmax, cross-entropy and the gradients need of a saturated row is the sum of the others
itself, however small: 1 + rest has lost it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from softmax_harness.operations.screen.arguments import cut_off, difference
from softmax_harness.operations.screen.logarithm import Scaled
from softmax_harness.operations.screen.reduction import FIELD
from softmax_harness.operations.screen.sums import slices, two_sum, two_sums
from softmax_harness.operations.screen.workspace import (
    BLOCK_ELEMENTS,
    Array,
    Bits,
    Workspace,
    bits_of,
    workspace,
)

Terms = tuple[Array, Array, Bits]
_LEAST = -2040 * FIELD  # below the exponent of every term


@dataclass(frozen=True)
class Rows:
    """Some rows of logits, or one long row.

    Attributes
    ----------
    x : ndarray of float64, shape (rows, n)
        Anything that is not finite is left out. Rows with a NaN or +inf, or with nothing finite,
        give anything.
    top : ndarray of float64, shape (rows, 1)
        The largest logit.
    place : ndarray of int64, shape (rows, 1)
        Where it is.
    kernel : module
        `softmax_harness.operations.screen.light` or `full`.
    """

    x: Array
    top: Array
    place: NDArray[np.int64]
    kernel: ModuleType

    @classmethod
    def of(cls, x: Array, kernel: ModuleType) -> Rows:
        """The rows of x."""
        place = x.argmax(axis=-1)[:, None]
        top = np.take_along_axis(x, place, axis=-1)
        return cls(x, np.where(np.isfinite(top), top, 0.0), place, kernel)

    @property
    def n(self) -> int:
        """The length of the rows."""
        return int(self.x.shape[-1])

    def pieces(self) -> Iterator[slice]:
        """Parts of the row that the workspace holds, of one length but for the last."""
        count = -(-self.n // BLOCK_ELEMENTS)
        size = -(-self.n // count)
        return (slice(start, min(start + size, self.n)) for start in range(0, self.n, size))

    def distances(self, piece: slice) -> tuple[Array, Array, NDArray[np.bool_] | None]:
        """x - top as two float64, and what is left out, None if nothing is; those are -inf."""
        x = self.x[:, piece]
        d, low = difference(x, self.top)
        finite = np.isfinite(x)
        if finite.all():
            return d, low, None
        hidden = ~finite
        return np.where(hidden, -np.inf, d), np.where(hidden, 0.0, low), hidden

    @property
    def of_one_value(self) -> NDArray[np.bool_]:
        """Rows whose finite entries are equal, so that softmax is rational; shape (rows,)."""
        equal = np.ones(len(self.x), bool)
        for piece in self.pieces():
            x = self.x[:, piece]
            least = x.min(axis=-1)
            if not np.isfinite(least).all():
                least = np.where(np.isfinite(x), x, self.top).min(axis=-1)
            equal &= least == self.top[:, 0]
        return equal

    def put_at_top(self, piece: slice, array: Array | Bits, value: Array | Bits | float) -> None:
        """Set the entry of each row's largest logit, where that lies in the piece."""
        if piece.start == 0 and piece.stop >= self.n:
            np.put_along_axis(array, self.place, value, axis=-1)
        elif piece.start <= self.place[0, 0] < piece.stop:
            array[0, self.place[0, 0] - piece.start] = np.ravel(value)[0]

    def exponentials(self, piece: slice, w: Workspace) -> Terms:
        """exp(x - top) as 2**q (head + tail), in memory of `w`; 0 for what is left out."""
        d, low, hidden = self.distances(piece)
        d, low = cut_off(d, low)
        inexact = low if low.any() else None
        zeros = np.zeros_like(self.top)
        weights = None if hidden is None else np.where(hidden, 0.0, 1.0)
        found: Terms = self.kernel.exponentials(d, zeros, inexact, weights, w)
        return found


def sum_of_others(rows: Rows) -> Scaled:
    """The sum of exp(x_j - top) over all entries but that at `Rows.place`, as `others_of` a row."""
    parts = []
    for piece in rows.pieces():
        w = workspace(rows.x[:, piece].shape)
        head, tail, q = rows.exponentials(piece, w)
        parts.append(others_of(rows, piece, (head, tail, q), w))
        w.give(head, tail, q.view(np.float64))
    return added(parts)


def one_and(rest: Scaled) -> tuple[Array, Array]:
    """1 + rest as two float64: the sum over the whole row."""
    shift = rest.exponent.astype(np.int32)
    total, error = two_sum(np.ones(rest.head.shape), np.ldexp(rest.head, shift))
    return two_sum(total, error + np.ldexp(rest.tail, shift))


def others_of(rows: Rows, piece: slice, terms: Terms, w: Workspace) -> Scaled:
    """The sum of the others in a piece, relative error that of the kernel's sums.

    All are divided by the power of two of the largest of them, so that their sum is at least that
    largest, above 1 - 2**-15, as that of a whole row is.
    """
    head, tail, q = terms
    kernel = rows.kernel
    for each, nothing in ((head, 0.0), (tail, 0.0), (q, _LEAST)):
        rows.put_at_top(piece, each, nothing)
    scale = q.max(axis=-1, keepdims=True)
    below = bits_of(w.take())
    np.subtract(q, scale, out=below)
    columns = slices(head, tail, below, rows.n, kernel.exact_columns(rows.n), w)
    w.give(below.view(np.float64))
    for each, one in ((head, 1.0), (tail, 0.0), (q, 0)):
        rows.put_at_top(piece, each, one)
    return Scaled(*two_sums(columns), scale >> 52)


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
