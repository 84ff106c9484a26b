"""The screen of the gradient of cross-entropy: softmax, less 1 at the true class.

At the class of the largest logit s - 1 is minus the sum of the others over the sum of all, and any
other s is at most 1/2, so that 1 - s cancels nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.formats import Format
from softmax_harness.ground.row_reductions import row_any
from softmax_harness.operations.screen.batch import (
    Chosen,
    Screened,
    Stage,
    by_blocks,
    kernels_of,
    put_exact,
)
from softmax_harness.operations.screen.logarithm import Scaled
from softmax_harness.operations.screen.others import Parts, Rows, Terms, parts_of, sums_of
from softmax_harness.operations.screen.rounding import rounded
from softmax_harness.operations.screen.sums import exact_product, two_sum
from softmax_harness.operations.screen.workspace import Array, Workspace, workspace
from softmax_harness.operations.truth import Truth


def relative_error(kernel: ModuleType) -> float:
    """That of softmax and of what stands at the class.

    A sum of pieces may err by twice the kernel's bound. s <= 1/2 makes 1 - s err by no more of
    itself than s does; its two roundings are below 2**-105.
    """
    return float(2.0 * kernel.RELATIVE_ERROR + 2.0**-105)


def cross_entropy_gradient(
    x: Array, target: NDArray[np.int64], fixed: NDArray[np.bool_], expected: Array, format: Format
) -> Screened:
    """softmax less 1 at the class, x of shape (rows, n), the classes of shape (rows, 1)."""
    stages = [Stage(each, relative_error(each)) for each in kernels_of(format)]

    def screen_part(part: Chosen, here: Truth, stage: Stage) -> NDArray[np.bool_]:
        kernel, error = stage
        rows, own = Rows.of(x[part], kernel), target[part]
        undecided = rows.single
        parts, pieces = sum_and_terms(rows)
        inverse = kernel.inverse(list(parts.whole))
        less = _minus(parts.rest, inverse)
        for piece, terms, w in pieces:
            head, tail = kernel.scaled(terms[0], terms[1], inverse, w)
            _put_at_class(rows, piece, own, (head, tail, terms[2]), less)
            of_piece = here.columns(piece)
            open_ = rounded(head, tail, terms[2], of_piece, error, w)
            _put_masked_classes(rows, piece, own, of_piece, open_)
            if open_.any():
                undecided |= row_any(open_ & ~of_piece.fixed)
        _put_powers_of_two(here, rows, own, undecided)
        return undecided

    return by_blocks(x.shape[-1], fixed, expected, format, stages, screen_part)


def _put_masked_classes(
    rows: Rows,
    piece: slice,
    target: NDArray[np.int64],
    here: Truth,
    open_: NDArray[np.bool_],
) -> None:
    """-1, which is exact, at a class that is masked."""
    if rows.usable is None:
        return
    column = target[:, 0]
    masked = np.isneginf(rows.x[np.arange(len(column)), column])
    row = np.flatnonzero(masked & (column >= piece.start) & (column < piece.stop))
    place = row, column[row] - piece.start
    here.rounded[place], here.offset[place] = -1.0, 0.0
    here.ulp[place] = here.format.ulp(here.rounded[place])
    open_[place] = False


def _put_powers_of_two(
    here: Truth, rows: Rows, target: NDArray[np.int64], undecided: NDArray[np.bool_]
) -> None:
    """Rows of m equal logits, m a power of two: 1/m and, at the class, 1/m - 1 are exact."""
    equal, z = equal_shares(rows, undecided)
    z[np.arange(len(z)), target[equal, 0]] -= 1.0
    exact = (here.format.nearest(z) == z).all(axis=-1)
    put_exact(here, equal[exact], z[exact], undecided)


def equal_shares(rows: Rows, some: NDArray[np.bool_]) -> tuple[NDArray[np.int64], Array]:
    """Those of some rows that have m equal logits, m a power of two, and 1/m of each, else 0."""
    equal = np.flatnonzero((rows.top == rows.bottom)[:, 0] & some)
    finite = np.isfinite(rows.x[equal])
    count = np.count_nonzero(finite, axis=-1)
    exact = (count > 0) & (count & (count - 1) == 0)
    return equal[exact], finite[exact] / count[exact][:, None]


def sum_and_terms(rows: Rows) -> tuple[Parts, Iterator[tuple[slice, Terms, Workspace]]]:
    """The sum over each row; then the exponentials of each piece, computed again if several are."""
    pieces = list(rows.pieces())
    if len(pieces) == 1:
        w = workspace(rows.x.shape)
        terms = rows.exponentials(pieces[0], w)
        return parts_of(rows, pieces[0], terms, w), iter([(pieces[0], terms, w)])
    spaces = ((piece, workspace(rows.x[:, piece].shape)) for piece in pieces)
    return sums_of(rows), ((piece, rows.exponentials(piece, w), w) for piece, w in spaces)


def _minus(rest: Scaled, inverse: tuple[Array, Array]) -> Scaled:
    """-rest / S."""
    p, e = exact_product(rest.head, inverse[0])
    return Scaled(-p, -(e + (rest.head * inverse[1] + rest.tail * inverse[0])), rest.exponent)


def _put_at_class(
    rows: Rows, piece: slice, target: NDArray[np.int64], terms: Terms, at_top: Scaled
) -> None:
    """Subtract 1 at the class of each row whose class lies in the piece."""
    inside = (target[:, 0] >= piece.start) & (target[:, 0] < piece.stop)
    row = np.flatnonzero(inside)
    place = (row, target[row, 0] - piece.start)
    head, tail, q = (each[place] for each in terms)
    exponent = (q >> 52).astype(np.int32)
    less, error = two_sum(np.full(row.shape, -1.0), np.ldexp(head, exponent))
    rest = error + np.ldexp(tail, exponent)
    top = target[row, 0] == rows.place[row, 0]
    terms[0][place] = np.where(top, at_top.head[row, 0], less)
    terms[1][place] = np.where(top, at_top.tail[row, 0], rest)
    terms[2][place] = np.where(top, at_top.exponent[row, 0] << 52, 0)
