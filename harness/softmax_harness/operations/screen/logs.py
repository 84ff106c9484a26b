"""The screens of the logarithms: log_softmax, logsumexp and cross-entropy.

With L = log sum exp(x - a), a the largest logit, they are (x_i - a) - L, a + L and (a - x_t) + L.
x_i - a is known exactly as two float64, L to a relative error below that of the kernel's sum and
`LOG_ERROR`. x_i - a and -L have one sign, so that nothing cancels. a + L may cancel: rows in which
it does by more than the stated error allows stay open.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.formats import Format
from softmax_harness.ground.row_reductions import row_any
from softmax_harness.operations.screen.arguments import difference
from softmax_harness.operations.screen.batch import (
    Chosen,
    Screened,
    Stage,
    by_blocks,
    kernels_of,
    put_exact,
)
from softmax_harness.operations.screen.logarithm import LOG_ERROR, Scaled, log_of_one_and
from softmax_harness.operations.screen.others import Rows, sums_of
from softmax_harness.operations.screen.rounding import rounded
from softmax_harness.operations.screen.sums import two_sum
from softmax_harness.operations.screen.workspace import Array, Workspace, bits_of, workspace
from softmax_harness.operations.truth import Truth

_CANCELLED = 2.0**12
_SUMS_ERROR = 2.0**-104  # of the sum of x_i - a and L, each two float64 and of one sign
# Logarithms below 2**_SHALLOW, which is below _SMALL, count in sums as anything in (0, _SMALL].
_SHALLOW, _SMALL = -500, 2.0**-870
_ELEMENTS = 1 << 18  # so many logits' rows take each step of the logarithm together
_NEAR = 2.0**16
_TINY = 2.0**-900  # logits as small, but not 0, may be lost beside nothing


def relative_error(kernel: ModuleType) -> float:
    """That of L and of the sums with it: a sum of pieces may err by twice the kernel's bound."""
    return float(2.0 * kernel.RELATIVE_ERROR + LOG_ERROR + _SUMS_ERROR)


@dataclass(frozen=True)
class Log:
    """L of each row, shape (rows, 1).

    Attributes
    ----------
    own : Scaled
        L with its exponent.
    head, tail, error : ndarray of float64
        L as two float64 to add to other numbers, and the bound of its absolute error: what is below
        2**-870 is given as that, and its error is a little less.
    """

    own: Scaled
    head: Array
    tail: Array
    error: Array

    @classmethod
    def of(cls, rows: Rows) -> Log:
        """Of rows with more than one finite entry."""
        log = log_of_one_and(sums_of(rows).ratio)
        shallow = log.exponent >= _SHALLOW
        shift = np.where(shallow, log.exponent, 0).astype(np.int32)
        head = np.where(shallow, np.ldexp(log.head, shift), _SMALL)
        tail = np.where(shallow, np.ldexp(log.tail, shift), 0.0)
        relative = np.where(shallow, relative_error(rows.kernel), 1.0 - 2.0**-10)
        return cls(log, head, tail, relative * head)

    def some(self, chosen: slice) -> Log:
        """Of some of the rows."""
        return Log(self.own.some(chosen), self.head[chosen], self.tail[chosen], self.error[chosen])

    @property
    def open(self) -> NDArray[np.bool_]:
        """Rows with a single finite entry, whose L is exactly 0, shape (rows,)."""
        return np.asarray(self.own.head[:, 0] <= 0.0)


def log_softmax(x: Array, fixed: NDArray[np.bool_], expected: Array, format: Format) -> Screened:
    """(x_i - a) - L of each entry, x of shape (rows, n); `fixed` etc. as in `by_blocks`."""
    stages = [Stage(each, relative_error(each)) for each in kernels_of(format)]

    def screen_part(part: Chosen, here: Truth, stage: Stage) -> NDArray[np.bool_]:
        rows = Rows.of(x[part], stage.kernel)
        log = Log.of(rows)
        undecided = log.open
        for chunk in rows.chunks():
            some, of_some = rows.some(chunk), log.some(chunk)
            for piece in rows.pieces():
                of_piece = here.block(chunk, piece)
                at_top = some.place - piece.start
                open_ = _less_log(some.x[:, piece], some, of_some, at_top, of_piece, 1.0)
                if open_.any():
                    undecided[chunk] |= row_any(open_ & ~of_piece.fixed)
        put_exact(here, rows.single, 0.0, undecided)
        return undecided

    return by_blocks(x.shape[-1], fixed, expected, format, stages, screen_part, _ELEMENTS)


def cross_entropy(
    x: Array, target: NDArray[np.int64], fixed: NDArray[np.bool_], expected: Array, format: Format
) -> Screened:
    """(a - x_t) + L, x of shape (rows, n), the classes t of shape (rows, 1)."""
    stages = [Stage(each, relative_error(each)) for each in kernels_of(format)]

    def screen_part(part: Chosen, here: Truth, stage: Stage) -> NDArray[np.bool_]:
        rows = Rows.of(x[part], stage.kernel)
        log, own = Log.of(rows), target[part]
        at_top = np.where(own == rows.place, 0, -1)
        of_class = np.take_along_axis(rows.x, own, axis=-1)
        undecided = log.open | _less_log(of_class, rows, log, at_top, here, -1.0)[:, 0]
        put_exact(here, rows.single & (at_top[:, 0] == 0), 0.0, undecided)
        return undecided

    return by_blocks(x.shape[-1], fixed, expected, format, stages, screen_part, _ELEMENTS)


def logsumexp(x: Array, fixed: NDArray[np.bool_], expected: Array, format: Format) -> Screened:
    """a + L of each row, x of shape (rows, n)."""
    kernels = kernels_of(format)
    least = _CANCELLED * relative_error(kernels[-1])
    stages = [Stage(each, max(least, 2.0**4 * relative_error(each))) for each in kernels]

    def screen_part(part: Chosen, here: Truth, stage: Stage) -> NDArray[np.bool_]:
        rows = Rows.of(x[part], stage.kernel)
        log = Log.of(rows)
        head, rest = two_sum(rows.top, log.head)
        tail = rest + log.tail
        own_error = log.error + 2.0**-52 * (np.abs(tail) + np.abs(log.tail))
        lost = (own_error > stage.relative_error * np.abs(head)) | (
            (np.abs(rows.top) < _TINY) & (log.head < 1.0)
        )
        zero = rows.top == 0.0
        head, tail = np.where(zero, log.own.head, head), np.where(zero, log.own.tail, tail)
        own_error = np.where(zero, relative_error(stage.kernel) * log.own.head, own_error)
        w = workspace(here.ulp.shape)
        result = w.take(), w.take(), bits_of(w.take())
        result[0][:], result[1][:] = head, tail
        result[2][:] = np.where(zero, log.own.exponent << 52, 0)

        def closer(row: NDArray[np.int64]) -> tuple[float, Array]:
            return 0.0, own_error[row, 0]

        open_ = rounded(*result, here, stage.relative_error, w, closer, below_one=False)
        undecided = np.asarray(log.open | open_[:, 0] | (lost & ~zero)[:, 0])
        alone = np.isfinite(rows.x[:, 0]) if rows.n == 1 else rows.single
        alone &= format.nearest(rows.top[:, 0]) == rows.top[:, 0]  # of what is judged
        put_exact(here, alone, rows.top[alone] + 0.0, undecided)  # -0 is 0
        return undecided

    return by_blocks(x.shape[-1], fixed, expected, format, stages, screen_part, _ELEMENTS)


def _less_log(
    x: Array, rows: Rows, log: Log, at_top: NDArray[np.int64], here: Truth, sign: float
) -> NDArray[np.bool_]:
    """sign (x - a - L) into `here`, x some columns of the rows; gives what is not decided.

    `at_top` is the column of the row's largest logit, (rows, 1), where it is one of these columns:
    there L, which has an exponent of its own, is all.

    The head and the error of the last difference are exact; adding tails to the error rounds by
    2**-53 of them. Where that is not enough, as where x - a is a middle between two numbers and L
    tiny, what got lost is found again.
    """
    relative, of_row = relative_error(rows.kernel), _Difference.of(rows, log)
    beyond = None
    with np.errstate(over="ignore", invalid="ignore"):
        if rows.usable is not None or not np.isfinite(rows.top - rows.bottom).all():
            beyond = ~np.isfinite(x - rows.top)  # masked, or too far apart for the format
            x = np.where(beyond, rows.top, x)
    w = workspace(x.shape)
    head, tail = of_row.less(x, w)
    q = bits_of(w.take())
    q[:] = 0
    inside = np.flatnonzero((at_top[:, 0] >= 0) & (at_top[:, 0] < x.shape[-1]))
    tops = (inside, at_top[inside, 0])
    head[tops], tail[tops] = -log.own.head[inside, 0], -log.own.tail[inside, 0]
    q[tops] = log.own.exponent[inside, 0] << 52
    if sign < 0:
        np.negative(head, out=head)
        np.negative(tail, out=tail)

    def closer(flat: NDArray[np.int64]) -> tuple[Array, Array]:
        row, column = np.divmod(flat, x.shape[-1])
        lacking = of_row.rows(row).lost(x[row, column][:, None])[:, 0]
        error = of_row.error[row, 0] + 2.0**-51 * np.abs(lacking)
        at = column == at_top[row, 0]
        error = np.where(at, relative * log.own.head[row, 0], error)
        return np.where(at, 0.0, sign * lacking), error

    open_ = rounded(head, tail, q, here, relative, w, closer, below_one=False)
    if beyond is not None:
        format = here.format
        here.rounded[beyond] = np.copysign(format.overflow_value, -sign)
        here.offset[beyond] = 0.0 if format.saturates else -sign * np.inf
        here.ulp[beyond] = 2.0**format.largest_spacing_exponent
        open_ &= ~beyond
    return open_


@dataclass(frozen=True)
class _Difference:
    """How a + L is taken from logits: all of shape (rows, 1).

    Where a is small, a + L is known beforehand as two float64; its error, 2**-106 of it, is
    below 2**-88 then, and no result but that of the largest logit is below log 2. Else a and L come
    one after the other.

    Attributes
    ----------
    first, second, last : ndarray of float64
        What is taken from x; the last one is a tail, the second one 0 or L.
    error : ndarray of float64
        Of their sum.
    """

    first: Array
    second: Array | None
    last: Array
    error: Array

    @classmethod
    def of(cls, rows: Rows, log: Log) -> _Difference:
        if (np.abs(rows.top) > _NEAR).any():
            error = log.error + 2.0**-52 * np.abs(log.tail)
            return cls(rows.top, log.head, log.tail, error)
        first, rest = two_sum(rows.top, log.head)
        last = rest + log.tail
        return cls(first, None, last, log.error + 2.0**-52 * np.abs(last))

    def rows(self, chosen: NDArray[np.int64]) -> _Difference:
        """Those of some rows."""
        second = None if self.second is None else self.second[chosen]
        return _Difference(self.first[chosen], second, self.last[chosen], self.error[chosen])

    def less(self, x: Array, w: Workspace) -> tuple[Array, Array]:
        """x less all of it as two float64, in memory of `w`."""
        head, low = difference(x, self.first, w)
        if self.second is None:
            low -= self.last
            return head, low
        total, e = two_sum(head, -self.second)
        low -= self.last
        low += e
        head[:] = total
        return head, low

    def lost(self, x: Array) -> Array:
        """What the second of the two float64 lacks, to 2**-52 of that."""
        head, low = difference(x, self.first)
        low, lost = difference(low, self.last)
        if self.second is None:
            return lost
        e = two_sum(head, -self.second)[1]
        return two_sum(e, low)[1] + lost
