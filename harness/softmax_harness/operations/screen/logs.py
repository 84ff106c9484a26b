"""The screens of the logarithms: log_softmax, logsumexp and cross-entropy.

With L = log sum exp(x - a), a the largest logit, they are (x_i - a) - L, a + L and (a - x_t) + L.
x_i - a is known exactly as two float64, L to a relative error below that of the kernel's sum and
`LOG_ERROR`. x_i - a and -L have one sign, so that nothing cancels. a + L may cancel: rows of which
more than `_CANCELLED` of it is lost stay open.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.formats import Format
from softmax_harness.operations.screen.arguments import difference
from softmax_harness.operations.screen.batch import Screened, by_blocks, kernel_of
from softmax_harness.operations.screen.logarithm import LOG_ERROR, Scaled, log_of_one_and
from softmax_harness.operations.screen.others import Rows, sum_of_others
from softmax_harness.operations.screen.rounding import rounded_numbers
from softmax_harness.operations.screen.sums import two_sum
from softmax_harness.operations.screen.workspace import Array
from softmax_harness.operations.truth import Truth

_CANCELLED = 2.0**12
_SUMS_ERROR = 2.0**-104  # of the sum of x_i - a and L, each two float64 and of one sign
# Logarithms below 2**_SHALLOW, which is below _SMALL, count in sums as anything in (0, _SMALL].
_SHALLOW, _SMALL = -500, 2.0**-870
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
        log = log_of_one_and(sum_of_others(rows))
        shallow = log.exponent >= _SHALLOW
        shift = np.where(shallow, log.exponent, 0).astype(np.int32)
        head = np.where(shallow, np.ldexp(log.head, shift), _SMALL)
        tail = np.where(shallow, np.ldexp(log.tail, shift), 0.0)
        relative = np.where(shallow, relative_error(rows.kernel), 1.0 - 2.0**-10)
        return cls(log, head, tail, relative * head)

    @property
    def open(self) -> NDArray[np.bool_]:
        """Rows with a single finite entry, whose L is exactly 0, shape (rows,)."""
        return np.asarray(self.own.head[:, 0] <= 0.0)


def log_softmax(x: Array, fixed: NDArray[np.bool_], expected: Array, format: Format) -> Screened:
    """(x_i - a) - L of each entry, x of shape (rows, n); 'fixed' etc. as in `by_blocks`."""
    kernel = kernel_of(format)

    def screen_part(part: slice, here: Truth) -> NDArray[np.bool_]:
        rows = Rows.of(x[part], kernel)
        log = Log.of(rows)
        undecided = log.open
        for piece in rows.pieces():
            d, low, _ = rows.distances(piece)
            at_top = rows.place - piece.start
            of_piece = here.columns(piece)
            open_ = _distance_and_log(d, low, log, at_top, of_piece, kernel, 1.0)
            undecided |= (open_ & ~of_piece.fixed).any(axis=-1)
        return undecided

    return by_blocks(x.shape[-1], fixed, expected, format, relative_error(kernel), screen_part)


def cross_entropy(
    x: Array, target: NDArray[np.int64], fixed: NDArray[np.bool_], expected: Array, format: Format
) -> Screened:
    """(a - x_t) + L, x of shape (rows, n), the classes t of shape (rows, 1)."""
    kernel = kernel_of(format)

    def screen_part(part: slice, here: Truth) -> NDArray[np.bool_]:
        rows = Rows.of(x[part], kernel)
        log, own = Log.of(rows), target[part]
        d, low = difference(np.take_along_axis(rows.x, own, axis=-1), rows.top)
        at_top = np.where(own == rows.place, 0, -1)
        open_ = _distance_and_log(d, low, log, at_top, here, kernel, -1.0)
        return log.open | open_[:, 0]

    return by_blocks(x.shape[-1], fixed, expected, format, relative_error(kernel), screen_part)


def logsumexp(x: Array, fixed: NDArray[np.bool_], expected: Array, format: Format) -> Screened:
    """a + L of each row, x of shape (rows, n)."""
    kernel = kernel_of(format)
    error = _CANCELLED * relative_error(kernel)

    def screen_part(part: slice, here: Truth) -> NDArray[np.bool_]:
        rows = Rows.of(x[part], kernel)
        log = Log.of(rows)
        head, rest = two_sum(rows.top, log.head)
        tail = rest + log.tail
        own_error = log.error + 2.0**-52 * (np.abs(tail) + np.abs(log.tail))
        lost = (own_error > error * np.abs(head)) | ((np.abs(rows.top) < _TINY) & (log.head < 1.0))
        zero = rows.top == 0.0
        head, tail = np.where(zero, log.own.head, head), np.where(zero, log.own.tail, tail)
        own_error = np.where(zero, relative_error(kernel) * log.own.head, own_error)
        exponents = np.where(zero, log.own.exponent, 0)

        def closer(row: NDArray[np.int64]) -> tuple[float, Array]:
            return 0.0, own_error[row, 0]

        open_ = rounded_numbers(head, tail, exponents, here, error, closer)
        return np.asarray(log.open | open_[:, 0] | (lost & ~zero)[:, 0])

    return by_blocks(x.shape[-1], fixed, expected, format, error, screen_part)


def _distance_and_log(
    d: Array,
    low: Array,
    log: Log,
    at_top: NDArray[np.int64],
    here: Truth,
    kernel: ModuleType,
    sign: float,
) -> NDArray[np.bool_]:
    """sign (d + low - L) into `here`, d <= 0, shape (rows, m); gives what is not decided.

    `at_top` is the column of the row's largest logit, (rows, 1), where it is one of these columns:
    there d is 0 and L, which has an exponent of its own, is all.

    The sum of d and -L is exact as two float64, head and e; adding the tails to e rounds twice, by
    2**-104 of the result. Where that is not enough, as where d + low is a middle between two
    numbers and L tiny, what got lost is found again.
    """
    relative = relative_error(kernel)
    beyond = ~np.isfinite(d)
    over = bool(beyond.any())
    if over:  # masked, or too far apart for float64, and so for the format
        d, low = np.where(beyond, -1.0, d), np.where(beyond, 0.0, low)
    head, e = two_sum(d, -log.head)
    tail = e + (low - log.tail)
    exponents = np.zeros(d.shape, np.int64)
    inside = np.flatnonzero((at_top[:, 0] >= 0) & (at_top[:, 0] < d.shape[-1]))
    tops = (inside, at_top[inside, 0])
    head[tops], tail[tops] = -log.own.head[inside, 0], -log.own.tail[inside, 0]
    exponents[tops] = log.own.exponent[inside, 0]

    def closer(flat: NDArray[np.int64]) -> tuple[Array, Array]:
        row, column = np.divmod(flat, d.shape[-1])
        first, second = two_sum(low[row, column], -log.tail[row, 0])
        lacking = two_sum(e[row, column], first)[1] + second
        at = column == at_top[row, 0]
        error = log.error[row, 0] + 2.0**-51 * np.abs(lacking)
        error = np.where(at, relative * log.own.head[row, 0], error)
        return np.where(at, 0.0, sign * lacking), error

    open_ = rounded_numbers(sign * head, sign * tail, exponents, here, relative, closer)
    if over:
        here.rounded[beyond] = sign * -here.format.overflow_value
        here.offset[beyond] = 0.0
        here.ulp[beyond] = 2.0**here.format.largest_spacing_exponent
        open_ &= ~beyond
    return open_
