"""The screen of logsumexp with weights: a + log T, T = sum_j b_j exp(x_j - a), of either sign.

a is the largest logit whose weight is not 0. T errs by a share of A = sum |b_j| exp(x_j - a), which
may be much larger than T. With T = 2**k (1 + y), 0 <= y < 1, log T is k log 2 + log(1 + y). It and
a may cancel too. So each row has an error of its own, and one in which that is more than the stated
share of the result stays open, as does one whose T is not surely above 0.
"""

from __future__ import annotations

from dataclasses import replace
from types import ModuleType
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.formats import Format
from softmax_harness.operations.screen import full, logs, masks, near
from softmax_harness.operations.screen.batch import Chosen, Screened, Stage, by_blocks, kernels_of
from softmax_harness.operations.screen.constants import N, constants
from softmax_harness.operations.screen.logarithm import LOG_ERROR, Scaled, log_of_one_and
from softmax_harness.operations.screen.moments import Moment, Weights, are_usual
from softmax_harness.operations.screen.others import Rows, Terms
from softmax_harness.operations.screen.rounding import rounded
from softmax_harness.operations.screen.sums import exact_product, two_sum
from softmax_harness.operations.screen.weighted_sums import weighted_sum
from softmax_harness.operations.screen.workspace import Array, Bits, bits_of, workspace
from softmax_harness.operations.truth import Truth

_CANCELLED = 2.0**12
_NEAR = 150.0  # exponentials of logits up to this, times usual weights, are far from overflow
# Of what is added up at the end, in units of its largest term: four sums of rounding errors.
_SUMS_ERROR = 2.0**-100
_ELEMENTS = 1 << 18  # so many logits' rows take each step of the logarithm together


class _Total(NamedTuple):
    """T of each row, shape (rows, 1), and the bound of its relative error.

    Attributes
    ----------
    value : Scaled
    error : ndarray of float64
        Infinite where T is not surely above 0.
    """

    value: Scaled
    error: Array


def logsumexp_weighted(
    x: Array, b: Array, fixed: NDArray[np.bool_], expected: Array, format: Format
) -> Screened:
    """a + log T of each row, x and b of shape (rows, n), b finite in rows that are not fixed."""
    largest = _largest(b)
    kernels = kernels_of(format)
    least = _CANCELLED * logs.relative_error(kernels[-1])
    stages = [Stage(each, max(least, 2.0**4 * logs.relative_error(each))) for each in kernels]
    if full not in kernels:  # which knows sums that cancel further as well as others
        stages.append(Stage(full, least))

    def screen_part(part: Chosen, here: Truth, stage: Stage) -> NDArray[np.bool_]:
        own = np.flatnonzero(~here.fixed[:, 0])
        if own.size == len(here.fixed):
            return _screen_rows(x[part], b[part], largest[part], here, stage)
        undecided = np.zeros(len(here.fixed), bool)
        if own.size:
            chosen, found = np.arange(len(x))[part][own], here.rows(own)
            undecided[own] = _screen_rows(x[chosen], b[chosen], largest[chosen], found, stage)
            here.replace_rows(own, found)
        return undecided

    found = by_blocks(x.shape[-1], fixed, expected, format, stages, screen_part, _ELEMENTS)
    open_ = np.flatnonzero(found.undecided)
    plain = open_[((b[open_] == 0.0) | (b[open_] == 1.0)).all(axis=-1)]
    return _with_plain(found, plain, x, b, expected) if plain.size else found


def _with_plain(
    found: Screened, rows: NDArray[np.int64], x: Array, b: Array, expected: Array
) -> Screened:
    """With rows whose weights are 1 and 0 alone, which are logsumexp of what counts.

    That knows log T to its own precision, however near to 1 T is.
    """
    truth = found.truth
    counted = np.where(b[rows] != 0.0, x[rows], -np.inf)
    own = logs.logsumexp(counted, truth.fixed[rows], expected[rows], truth.format)
    truth.replace_rows(rows, own.truth)
    found.undecided[rows] = own.undecided
    return replace(found, error_ulp=max(found.error_ulp, own.error_ulp))


def _screen_rows(
    x: Array, b: Array, largest: Array, here: Truth, stage: Stage
) -> NDArray[np.bool_]:
    """Screen rows into `here`; True for those that stay open."""
    rows, vector, near_one = _rows_and_weights(x, b, near.Grid.of(largest[:, None]), stage.kernel)
    total = _total(rows, vector, near_one)
    z, low, error = _with_log(rows.top, total, vector.exponent)
    lost = ~(error <= stage.relative_error * np.abs(z))
    w = workspace(here.ulp.shape)
    head, tail, q = w.take(), w.take(), bits_of(w.take())
    head[:], tail[:], q[:] = np.where(lost, 1.0, z), np.where(lost, 0.0, low), 0

    def closer(row: NDArray[np.int64]) -> tuple[float, Array]:
        return 0.0, error[row, 0]

    open_ = rounded(head, tail, q, here, stage.relative_error, w, closer, below_one=False)
    return np.asarray(vector.open | (open_ | lost)[:, 0])


class _Near(NamedTuple):
    """What rows are known by in which nothing is far apart, see `near`.

    Attributes
    ----------
    tail_bits : int
        Those of the kernel.
    exponent : int
        e, for which no weight is larger than 2**e as it is taken, see `near.Grid`.
    beyond : ndarray of bool, shape (rows,)
        Where a logit without weight is larger than `Rows.top`.
    """

    tail_bits: int
    exponent: int
    beyond: NDArray[np.bool_]


def _largest(b: Array) -> Array:
    """The largest size of each row; NaN or infinite where a number is."""
    return np.asarray(np.maximum(b.max(axis=-1, initial=0.0), -b.min(axis=-1, initial=0.0)))


def _rows_and_weights(
    x: Array, b: Array, grid: near.Grid | None, kernel: ModuleType
) -> tuple[Rows, Weights, _Near | None]:
    """The rows without what has a weight of 0, and the weights.

    Where no logit is far from another, what has a weight of 0 needs not be taken out: times 0 it is
    0. Only the largest logit has to be one that counts. Where weights share no grid, b is
    multiplied in place: if it is no view of what was given, it is a copy made for this.
    """
    rows, bits = Rows.of(x, kernel), near.tail_bits(kernel)
    if grid is not None and bits is not None and near.are_near(rows):
        counted = _of_counted(rows, b)
        of_near = _Near(bits, grid.exponent, (rows.top > counted.top)[:, 0])
        if grid.shift.any():
            b = b if b.flags.owndata else b.copy()
            grid.multiply(b)
        return counted, replace(Weights.usual(b), exponent=-grid.shift), of_near
    is_usual = are_usual(b)
    if not b.all():
        if is_usual and rows.usable is None and np.abs([rows.top, rows.bottom]).max() <= _NEAR:
            rows = _of_counted(rows, b)
        else:
            rows = Rows.of(np.where(b != 0.0, x, -np.inf), kernel)
    return rows, Weights.usual(b) if is_usual else Weights.of(rows, b), None


def _of_counted(rows: Rows, b: Array) -> Rows:
    """The rows with the largest of the logits that count as that of all."""
    place, top = rows.place.copy(), rows.top.copy()
    some = np.flatnonzero(b[rows.at_top(slice(0, rows.n))] == 0.0)
    own = rows.x[some]
    found = masks.where(b[some] != 0.0, own, -np.inf).argmax(axis=-1)
    place[some, 0], top[some, 0] = found, own[np.arange(len(some)), found]
    return replace(rows, place=place, top=top)


def _total(rows: Rows, vector: Weights, near_one: _Near | None = None) -> _Total:
    """T, of weights divided by 2**vector.exponent, from the sum of the weighted exponentials.

    That sum errs by `Moment.error` of A, and the largest exponential, by which it is divided, by
    less than the kernel's bound, which `Moment.error` is twice over.
    """
    moments, own = [], (np.ones_like(rows.top), np.zeros_like(rows.top))
    for chunk in rows.chunks():
        some, of_some, parts = rows.some(chunk), vector.some(chunk), []
        for piece in rows.pieces():
            w = workspace(some.x[:, piece].shape)
            terms = some.exponentials(piece, w)
            row, column = some.at_top(piece)
            for each, values in zip(own, terms[:2], strict=True):
                each[chunk][row, 0] = values[row, column]
            if near_one is not None:
                of_near = near_one._replace(beyond=near_one.beyond[chunk])
                parts.append(_moment_near(of_some.v[:, piece], of_near, terms, rows.kernel))
            else:
                parts.append(Moment.of((of_some.scaled(piece), None), terms, rows, w))
            w.give(*terms[:2], terms[2].view(np.float64))
        moments.append(Moment.joined(parts))
    moment = Moment.concatenated(moments)
    head, tail, exponent = moment.sum
    top, low = two_sum(*own)
    first = head / top
    p, e = exact_product(first, top)
    rest = (((head - p) - e) + (tail - first * low)) / top
    value = Scaled(*two_sum(first, rest), exponent)
    with np.errstate(divide="ignore", invalid="ignore"):
        error = 2.0 * Moment.error(rows.kernel) * moment.size / head
    return _Total(value, np.where((head > 0.0) & (error < 0.5), error, np.inf))


def _moment_near(b: Array, known: _Near, terms: Terms, kernel: ModuleType) -> Moment:
    """The moment where nothing is far apart, see `softmax_harness.operations.screen.near`.

    What a logit without weight has in place of its exponential is made no larger than 2.
    `Moment.size` has what the slices leave as well, in units of the kernel's error: far more than
    what a weight loses below all numbers when it is divided.
    """
    head, tail, q = terms
    if known.beyond.any():
        q[known.beyond] = np.minimum(q[known.beyond], 0)
    near.plain(head, tail, q)
    memory = q.view(np.float64)
    given = head, tail, known.tail_bits, b, known.exponent
    high, low, error, size = weighted_sum(*given, memory)
    size = size + error / Moment.error(kernel)
    return Moment(Scaled(high, low, np.zeros(size.shape, np.int64)), size)


def _with_log(top: Array, total: _Total, exponent: Bits) -> tuple[Array, Array, Array]:
    """a + log T as two float64, T times 2**exponent, and the bound of its error.

    An error of e < 1/2 in T is at most 1.4 e in its logarithm. k times three of the pieces of
    (log 2) / N is exact; the sums of their rounding errors are rounded.
    """
    positive = np.isfinite(total.error)
    head, tail = (
        np.where(positive, each, other)
        for each, other in zip(total.value[:2], (1.0, 0.0), strict=True)
    )
    m, k = np.frexp(head)
    one_and, more = 2.0 * m, np.ldexp(tail, 1 - k)
    log = log_of_one_and(Scaled(one_and - 1.0, more, np.zeros_like(exponent)))
    steps = N * (total.value.exponent + exponent + k - 1).astype(np.float64)
    first, second, third, last = (steps * each for each in constants().ln2)
    z, e = two_sum(top, first)
    z, lost = two_sum(z, log.head)
    z, again = two_sum(z, second)
    z, low = two_sum(z, (e + lost) + again + (third + last + log.tail))
    size = np.abs(top) + np.abs(first) + np.abs(log.head)
    error = 1.4 * total.error + LOG_ERROR * np.abs(log.head) + _SUMS_ERROR * size
    return z, low, error
