"""The screen of what passes back through log_softmax: v_i - s_i V, V the sum of v.

Where v_i is 0 the result is -s_i V, however small. At the largest logit 1 - s is the sum of the
others over that of all, so that (v_i - V) + V (1 - s_i) cancels nothing where v_i = V, as for the
one class of a saturated loss. Elsewhere v_i and s_i V may cancel: rows in which they do by more
than the bound allows stay open.

In a saturated row v_i, or v_i - V, may be a power of two or the middle between two numbers, and the
rest next to nothing. It stands in the tail, or beside a tail that is exact, with an error of its
own, which decides on which side the result lies.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.formats import Format
from softmax_harness.ground.row_reductions import row_all, row_any, row_max
from softmax_harness.operations.screen.batch import (
    Chosen,
    Screened,
    Stage,
    by_blocks,
    put_exact,
)
from softmax_harness.operations.screen.gradients import equal_shares, sum_and_terms
from softmax_harness.operations.screen.moments import (
    USUAL,
    are_usual,
    kernels_of,
    relative_error,
)
from softmax_harness.operations.screen.others import Parts, Rows, Terms
from softmax_harness.operations.screen.reduction import FIELD, power_of_two
from softmax_harness.operations.screen.rounding import Closer, rounded
from softmax_harness.operations.screen.sums import (
    columns_of_numbers,
    exact_product,
    two_sum,
    two_sums,
)
from softmax_harness.operations.screen.workspace import (
    BLOCK_ELEMENTS,
    Array,
    Bits,
    Workspace,
    bits_of,
    workspace,
)
from softmax_harness.operations.truth import Truth

_SMALLEST, _LARGEST = 2.0**-300, 2.0**300  # v beyond, but for 0, stays open: nothing underflows
_LEAST = -1500  # what has no larger exponent is next to nothing in every format
_TINY = 2.0**-1000  # of what is smaller, beside v, only the sign counts
_BESIDE = 2.0**-60  # what is smaller than this part of a tail would be rounded away in it
_NEAR = -400  # nothing underflows in products of exponents no lower
_APART = 20

Places = tuple[NDArray[np.int64], NDArray[np.int64]]
"""Rows, and the column of each."""


class Sum(NamedTuple):
    """V of each row as two float64, and a bound of their error; shape (rows, 1) each."""

    head: Array
    tail: Array
    error: Array

    @classmethod
    def of(cls, v: Array) -> Sum:
        """Of numbers within `_LARGEST`; of others it may be anything.

        From columns, of which two add up exactly as two float64, and three to 2**-104 of
        themselves; rows that share a grid are no more than 2**`_APART` apart.
        """
        if v.shape[-1] > BLOCK_ELEMENTS:
            return cls.by_halves(v)
        size = np.frexp(row_max(np.abs(v), keepdims=True))[1]
        np.minimum(np.maximum(size, -USUAL), USUAL, out=size)
        largest = int(size.max())
        w, is_near = workspace(v.shape), largest - int(size.min()) <= _APART
        columns, error = columns_of_numbers(v, largest if is_near else size, w)
        head, tail = two_sums(columns)
        return cls(head, tail, np.where(error == 0.0, 0.0, error + 2.0**-104 * np.abs(head)))

    @property
    def is_nothing(self) -> NDArray[np.bool_]:
        """Which are exactly 0, shape (rows,)."""
        return np.asarray(((self.head == 0.0) & (self.tail == 0.0) & (self.error == 0.0))[:, 0])

    def times(self, powers: Array, some: NDArray[np.int64]) -> Sum:
        """Those of some rows times powers of two or 0, shape (some, n)."""
        return Sum(*(each[some] * powers for each in self))

    @classmethod
    def by_halves(cls, v: Array) -> Sum:
        """Each addition with its exact rounding error.

        These are added to 2**-46 of their absolute values: by NumPy in pairs, and level by level.
        """
        total = v
        tail, size = np.zeros((len(v), 1)), np.zeros((len(v), 1))
        while total.shape[-1] > 1:
            half = total.shape[-1] // 2
            sums, lost = two_sum(total[:, :half], total[:, half : 2 * half])
            total = np.concatenate([sums, total[:, 2 * half :]], axis=-1)
            tail += lost.sum(axis=-1, keepdims=True)
            size += np.abs(lost).sum(axis=-1, keepdims=True)
        head, rest = two_sum(total, tail)
        return cls(head, rest, 2.0**-46 * size)


class Result(NamedTuple):
    """Results 2**q (head + tail), q in units of 2**52; bounds of their errors in units of 2**q."""

    head: Array
    tail: Array
    q: Bits
    error: Array

    @classmethod
    def of(cls, head: Array, tail: Array, exponent: NDArray[np.int64], error: Array) -> Result:
        """Of plain exponents; what lies deep is next to nothing in every format."""
        return cls(head, tail, np.maximum(exponent, _LEAST) << 52, error)

    def closer(self, flat: NDArray[np.int64]) -> tuple[float, Array]:
        """As `softmax_harness.operations.screen.rounding.rounded` takes it."""
        return 0.0, self.error.ravel()[flat]

    def rounded_into(
        self, here: Truth, allowed: float, w: Workspace, closer: Closer
    ) -> NDArray[np.bool_]:
        """Round results in memory of `w`, which gets all but the errors back; True where open."""
        return rounded(self.head, self.tail, self.q, here, allowed, w, closer, below_one=False)

    def rounded_to(self, here: Truth, at: Places, allowed: float) -> NDArray[np.bool_]:
        """Round results of shape (some, 1) to their places; True for each that is not decided."""
        if not self.head.size:
            return np.zeros(0, bool)
        w = Workspace(self.head.shape)
        head, tail, q = w.take(), w.take(), bits_of(w.take())
        head[:], tail[:], q[:] = self.head, self.tail, self.q
        rounded_, offset, ulp = np.empty((3, *head.shape))
        own = Truth(here.format, rounded_, offset, ulp, here.fixed[at][:, None])
        result = Result(head, tail, q, self.error)
        open_ = result.rounded_into(own, allowed, w, result.closer)
        here.rounded[at], here.offset[at] = own.rounded[:, 0], own.offset[:, 0]
        here.ulp[at] = own.ulp[:, 0]
        return np.asarray(open_[:, 0])


def log_softmax_gradient(
    x: Array, v: Array, fixed: NDArray[np.bool_], expected: Array, format: Format
) -> Screened:
    """v_i - s_i V, x and v of shape (rows, n)."""
    allowed = relative_error(format)
    stages = [Stage(each, allowed) for each in kernels_of(format)]

    def screen_part(part: Chosen, here: Truth, stage: Stage) -> NDArray[np.bool_]:
        own_error = 4.0 * stage.kernel.RELATIVE_ERROR  # of s, of 1 - s, and of products with V
        rows, own = Rows.of(x[part], stage.kernel), v[part]
        within = np.ones(len(own), bool)
        if not are_usual(own):
            size = np.where(own == 0.0, 1.0, np.abs(own))
            within = row_all((size > _SMALLEST) & (size < _LARGEST))
            own = np.where(within[:, None], own, 1.0)
        total = of_all = Sum.of(own)
        is_zero = (total.head == 0.0)[:, 0]
        undecided = rows.single | ~within | is_zero
        total = Sum(*(np.where(undecided[:, None], 1.0, each) for each in total))
        parts, pieces = sum_and_terms(rows)
        inverse = stage.kernel.inverse(list(parts.whole))
        share = stage.kernel.times_inverse(inverse, total[:2])
        # Of V over S times the exponentials.
        relative = own_error + total.error / np.abs(total.head)
        for piece, terms, w in pieces:
            head, tail = stage.kernel.scaled(terms[0], terms[1], share, w)
            some, of_piece = own[:, piece], here.columns(piece)
            at_top, is_near = rows.at_top(piece), _is_near(terms[2], total)
            less = _less_near if is_near else _less
            result = less(some, (head, tail, terms[2]), relative, w)
            top, beside = at_largest(some, at_top, total, parts, inverse, own_error)
            _put(result, at_top, top)
            # Not of the heads alone: few of their bits are kept, so that tails may cancel them.
            size = np.add(result.head, result.tail, out=w.take())
            np.abs(size, out=size)
            size *= 0.99 * allowed
            lost = result.error > size
            w.give(size)
            closer: Closer = result.closer
            if is_near:
                closer = partial(_closer_near, some, result.error, relative)
            if beside.any():
                closer = partial(_closer_beside, closer, some.shape, at_top, beside)
            open_ = result.rounded_into(of_piece, allowed, w, closer)
            open_ |= lost
            w.give(result.error)
            if open_.any():
                undecided |= row_any(open_ & ~of_piece.fixed)
        if (undecided & within).any():  # seldom, and it takes as long as many rows
            undecided[within] = _known(here, own, rows, of_all, undecided & within, allowed)[within]
        return np.asarray(undecided)

    return by_blocks(x.shape[-1], fixed, expected, format, stages, screen_part)


def _product(a: tuple[Array, Array], total: Sum) -> tuple[Array, Array]:
    """a V as two float64, its error below 2**-103 of it."""
    p, e = exact_product(a[0], np.broadcast_to(total.head, a[0].shape))
    return p, e + (a[0] * total.tail + a[1] * total.head)


def _is_near(q: Bits, total: Sum) -> bool:
    """Whether no s V is so small that it may underflow."""
    return bool(q.min() >= _NEAR * FIELD and np.abs(total.head).min() > 2.0**_NEAR)


def _less_near(v: Array, share: Terms, relative: Array, w: Workspace) -> Result:
    """v - 2**q (head + tail), the share known to a relative error, in memory of `w`.

    The difference of the heads is exact as two float64. Its second part and the tail are rounded
    together, see `_closer_near`.
    """
    head, tail, q = share
    power = power_of_two(q, q)
    head *= power
    tail *= power
    error, d, back, rest = w.take(), w.take(), w.take(), w.take()
    np.abs(head, out=error)
    error *= relative
    np.subtract(v, head, out=d)
    np.subtract(d, v, out=back)
    np.subtract(d, back, out=rest)
    np.subtract(v, rest, out=rest)
    back += head
    rest -= back
    rest -= tail
    q.fill(0)
    w.give(head, tail, back)
    return Result(d, rest, q, error)


def _closer_near(
    v: Array, error: Array, relative: Array, flat: NDArray[np.int64]
) -> tuple[float, Array]:
    """The error of each with what its tail was rounded by.

    That is 2**-53 of what the difference of the heads was rounded by, which is no more than their
    second, the share, and no more than half an ulp of itself. The share's own tail is so small that
    its part of the rounding belongs to the kernel's.
    """
    row, own = flat // v.shape[-1], error.ravel()[flat]
    share = own / relative[row, 0]
    size = np.abs(v[row, flat % v.shape[-1]]) + share
    return 0.0, own + np.minimum(2.0**-52 * share, 2.0**-104 * size)


def _closer_beside(
    closer: Closer, shape: tuple[int, ...], at: Places, beside: Array, flat: NDArray[np.int64]
) -> tuple[Array, Array]:
    """What `closer` gives, and beside it what tails at some places lack; see `at_largest`."""
    lacking = np.zeros(shape)
    lacking[at] = beside[:, 0]
    more, error = closer(flat)
    return more + lacking.ravel()[flat], error


def _less(v: Array, share: Terms, relative: Array, w: Workspace) -> Result:
    """As `_less_near`; where v is 0 in units of 2**q, elsewhere of 1."""
    head, tail, q = share
    exponent = q >> 52
    zero = v == 0.0
    shift = np.where(zero, 0, exponent).astype(np.int32)
    moved, least = _moved(head, shift, v)
    error = w.take()
    error[:] = np.ldexp(relative * np.abs(head), shift) + least
    head[:], rest = two_sum(v, -moved)
    tail[:] = rest - np.ldexp(tail, shift)
    error += np.where(zero, 0.0, 2.0**-52 * np.abs(tail) + 2.0**-1070)
    np.left_shift(np.where(zero, np.maximum(exponent, _LEAST), 0), 52, out=q)
    return Result(head, tail, q, error)


def _moved(share: Array, shift: NDArray[np.int32], beside: Array) -> tuple[Array, Array]:
    """2**shift share, with the error of what stands for all below `_TINY`: of its sign, no 0.

    Beside numbers above 1 for all below that part of them, so that it does not underflow in ulp.
    """
    moved, tiny = np.ldexp(share, shift), _TINY * np.maximum(np.abs(beside), 1.0)
    is_tiny = (np.abs(moved) < tiny) & (share != 0.0)
    return np.where(is_tiny, np.copysign(0.5 * tiny, share), moved), 0.25 * tiny * is_tiny


def at_largest(
    v: Array,
    at_top: Places,
    total: Sum,
    parts: Parts,
    inverse: tuple[Array, Array],
    own_error: float,
) -> tuple[Result, Array]:
    """(v - V) + V (1 - s) of the largest logits, 1 - s = rest / S; shape (some rows, 1).

    Where v - V is known exactly, and as two numbers beside which the other term is next to nothing,
    the second of these is the tail, and the term, which it lacks, is given beside the results. In a
    saturated row v - V may be the middle between two numbers.
    """
    row, _ = at_top
    some = Sum(*(each[row] for each in total))
    head, tail, exponent = parts.rest.head[row], parts.rest.tail[row], parts.rest.exponent[row]
    p, e = exact_product(head, inverse[0][row])
    share = _product((p, e + (head * inverse[1][row] + tail * inverse[0][row])), some)
    apart, lost = two_sum(v[at_top][:, None], -some.head)
    low, error = two_sum(lost, -some.tail)
    error = np.abs(error)
    apart, lost = two_sum(apart, low)
    alone = (apart == 0.0) & (some.error == 0.0)
    shift = np.where(alone, 0, exponent).astype(np.int32)
    moved, least = _moved(share[0], shift, apart)
    is_beside = (error == 0.0) & (some.error == 0.0) & (np.abs(moved) < _BESIDE * np.abs(lost))
    beside, moved = np.where(is_beside, moved, 0.0), np.where(is_beside, 0.0, moved)
    total_head, rest = two_sum(apart, moved)
    low = lost + np.where(is_beside, 0.0, np.ldexp(share[1], shift))
    tail = rest + low
    error += np.ldexp(own_error * np.abs(share[0]), shift) + least + some.error
    exact = alone | is_beside
    error += np.where(exact, 0.0, 2.0**-52 * (np.abs(low) + np.abs(tail)) + 2.0**-1070)
    # Of what stands beside, the second part is no more than an ulp of the first.
    error += np.where(is_beside, 2.0**-52 * np.abs(beside), 0.0)
    return Result.of(total_head, tail, np.where(alone, exponent, 0), error), beside


def _known(
    here: Truth, v: Array, rows: Rows, total: Sum, left: NDArray[np.bool_], allowed: float
) -> NDArray[np.bool_]:
    """What stays open of the rows that are left, but for those of equal logits or a V of 0."""
    open_ = left.copy()
    zero = np.flatnonzero(left & total.is_nothing)
    for some, share in (equal_shares(rows, left), (zero, np.zeros((len(zero), rows.n)))):
        if some.size:
            own = total.times(share, some)
            open_[some] = _less_known(here, v, own, some, allowed)
    alike = np.flatnonzero(open_ & (rows.top == rows.bottom)[:, 0])
    alike = alike[row_all(np.isfinite(rows.x[alike]) & (v[alike] == v[alike, :1]))]
    put_exact(here, alike, 0.0, open_)
    return open_


def _less_known(
    here: Truth, v: Array, share: Sum, some: NDArray[np.int64], allowed: float
) -> NDArray[np.bool_]:
    """Which of some rows stay open: v less shares is due there.

    The difference is known as two float64, to what a third would have and the error of the share.
    What is a number of the format is decided.
    """
    format = here.format
    head, lost = two_sum(v[some], -share.head)
    low, rest = two_sum(lost, -share.tail)
    head, tail = two_sum(head, low)
    error = np.abs(rest) + share.error
    is_number = (tail == 0.0) & (error == 0.0) & (format.nearest(head) == head)
    open_ = error > 0.99 * allowed * np.abs(head)
    place = np.nonzero(~(is_number | open_))
    found = (each[place][:, None] for each in (head, tail, error))
    result = Result.of(
        next(found), next(found), np.zeros((len(place[0]), 1), np.int64), next(found)
    )
    open_[place] = result.rounded_to(here, (some[place[0]], place[1]), allowed)
    row, column = np.nonzero(is_number)
    at_number = some[row], column
    here.rounded[at_number], here.offset[at_number] = head[row, column] + 0.0, 0.0  # -0 is 0
    here.ulp[at_number] = format.ulp(head[row, column])
    return row_any(open_ & ~here.fixed[some])


def _put(result: Result, at: Places, other: Result) -> None:
    for whole, part in zip(result, other, strict=True):
        whole[at] = part[:, 0]
