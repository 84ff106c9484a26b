"""The screen of label smoothing: L + D, D = (1 - eps) (a - x_t) + (eps / n) sum_j (a - x_j).

a is the largest logit and L = log sum exp(x - a). With 0 <= eps <= 1 nothing is negative, so that
nothing cancels: z errs by no more of itself than L or D does. Rows with another eps stay open, and
so do those whose logits are too far apart for float64.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.formats import Format
from softmax_harness.operations.screen import logs, masks
from softmax_harness.operations.screen.arguments import DIRECT, difference
from softmax_harness.operations.screen.batch import Chosen, Screened, Stage, by_blocks, kernels_of
from softmax_harness.operations.screen.logs import Log
from softmax_harness.operations.screen.others import Rows
from softmax_harness.operations.screen.rounding import rounded
from softmax_harness.operations.screen.sums import (
    HEAD,
    columns_of_numbers,
    exact_product,
    product_of_pairs,
    two_sum,
)
from softmax_harness.operations.screen.workspace import Array, bits_of, workspace
from softmax_harness.operations.truth import Truth

DISTANCE_ERROR = 2.0**-94
_LARGEST = 2.0**1000  # distances and results beyond stay open
_LEAST = 2.0**-900  # so do results below: their parts may have underflowed
_ELEMENTS = 1 << 18  # so many logits' rows take each step of the logarithm together
_Pair = tuple[Array, Array]


class _Sum(NamedTuple):
    """L + D of each row, shape (rows, 1): `head + tail + lacking`, where it is not L alone.

    Attributes
    ----------
    head, tail, lacking : ndarray of float64
        The head is exact; what adding up the tail rounded is `lacking`.
    error : ndarray of float64
        Of the sum of all three.
    open : ndarray of bool
        Where it is known to no use.
    is_log : ndarray of bool
        Where D is 0: L, which may be much smaller than a float64, is all.
    """

    head: Array
    tail: Array
    lacking: Array
    error: Array
    open: NDArray[np.bool_]
    is_log: NDArray[np.bool_]


def label_smoothing(
    x: Array,
    target: NDArray[np.int64],
    eps: Array,
    fixed: NDArray[np.bool_],
    expected: Array,
    format: Format,
) -> Screened:
    """L + D of each row, x of shape (rows, n), the classes and eps of shape (rows, 1)."""
    stages = [
        Stage(each, logs.relative_error(each) + DISTANCE_ERROR) for each in kernels_of(format)
    ]

    def screen_part(part: Chosen, here: Truth, stage: Stage) -> NDArray[np.bool_]:
        rows = Rows.of(x[part], stage.kernel)
        log = Log.of(rows)
        apart, is_exact = distance(rows, target[part], eps[part]), eps[part] == 0.0
        if rows.n == 2:
            own, of_two = exact_distance(rows, target[part], eps[part])
            apart = np.where(of_two, own[0], apart[0]), np.where(of_two, own[1], apart[1])
            is_exact |= of_two
        found = _added(log, apart, is_exact, eps[part])
        relative, alone = logs.relative_error(stage.kernel), found.is_log
        w = workspace(here.ulp.shape)
        head, tail, q = w.take(), w.take(), bits_of(w.take())
        head[:] = np.where(alone, log.own.head, np.where(found.open, 1.0, found.head))
        tail[:] = np.where(alone, log.own.tail, np.where(found.open, 0.0, found.tail))
        q[:] = np.where(alone, log.own.exponent << 52, 0)

        def closer(row: NDArray[np.int64]) -> tuple[Array, Array]:
            own = np.where(alone, relative * log.own.head, found.error)
            return np.where(alone, 0.0, found.lacking)[row, 0], own[row, 0]

        open_ = rounded(head, tail, q, here, stage.relative_error, w, closer, below_one=False)
        lost = found.open | (found.error > stage.relative_error * np.abs(found.head))
        return np.asarray(log.open | open_[:, 0] | (lost & ~alone)[:, 0])

    return by_blocks(x.shape[-1], fixed, expected, format, stages, screen_part, _ELEMENTS)


def _added(log: Log, apart: _Pair, is_exact: NDArray[np.bool_], eps: Array) -> _Sum:
    """L + D; D is exact where that is said, and within `DISTANCE_ERROR` otherwise.

    The sum of the heads is exact. Each of two additions to its tail is, with `lacking`, whose own
    sum is rounded by 2**-53 of it.
    """
    usable = (eps >= 0.0) & (eps <= 1.0) & (apart[0] < _LARGEST)
    d, low = (np.where(usable, each, 1.0) for each in apart)
    head, rest = two_sum(d, log.head)
    rest, first = two_sum(rest, low)
    tail, second = two_sum(rest, log.tail)
    lacking = first + second
    own = np.where(is_exact, 0.0, DISTANCE_ERROR * d)
    error = log.error + own + 2.0**-52 * np.abs(lacking)
    return _Sum(head, tail, lacking, error, ~usable | (head < _LEAST), usable & (d == 0.0))


def distance(rows: Rows, target: NDArray[np.int64], eps: Array) -> _Pair:
    """D of each row as two float64, shape (rows, 1), within `DISTANCE_ERROR` of itself.

    a - x_t and 1 - eps are exact, and products of two such pairs are right to 2**-102 of
    themselves, as is the division by n. Nothing is negative: the sum of the n distances errs by
    2**-96 of itself, and the sum of both parts by 2**-104. Where eps is 0, D is a - x_t exactly.
    What is below `_LEAST` may have underflowed, which does not count beside more; it is anything
    but a number below `_LARGEST` where a distance overflows.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        own = two_sum(rows.top, -np.take_along_axis(rows.x, target, axis=-1))
        head, low = product_of_pairs(two_sum(np.ones_like(eps), -eps), own)
        if not eps.any():
            return head, low
        others = product_of_pairs(_sum_of_distances(rows), (eps, np.zeros_like(eps)))
        share = others[0] / rows.n
        p, e = exact_product(share, np.full_like(share, float(rows.n)))
        rest = ((others[0] - p) - e + others[1]) / rows.n
        share, rest = (np.where(eps == 0.0, 0.0, each) for each in (share, rest))
        head, error = two_sum(head, share)
        return two_sum(head, error + (low + rest))


@np.errstate(over="ignore", invalid="ignore")
def exact_distance(
    rows: Rows, target: NDArray[np.int64], eps: Array
) -> tuple[_Pair, NDArray[np.bool_]]:
    """D of rows of two logits, and where it is exact, shape (rows, 1); not where one is masked.

    There D is w (a - b), b the lower logit, with w = (1 - eps) [t is b] + eps / 2. It is exact
    where a - b and w are numbers and w has so few bits that `exact_product` rounds nothing. So
    a D that lies in the middle between two numbers is told from one next to it, however small L is.
    """
    bottom = rows.x.min(axis=-1, keepdims=True)
    d, low = two_sum(rows.top, -bottom)
    share, lost = two_sum(np.ones_like(eps), -eps)
    is_lower = np.take_along_axis(rows.x, target, axis=-1) != rows.top
    w, rest = two_sum(np.where(is_lower, share, 0.0), 0.5 * eps)
    is_exact = (low == 0.0) & (lost == 0.0) & (rest == 0.0) & (d >= _LEAST) & (d < _LARGEST)
    is_exact &= np.isfinite(rows.x).all(axis=-1, keepdims=True)
    is_exact &= (bits_of(w) & HEAD) == bits_of(w)
    return exact_product(w, d), is_exact


def _sum_of_distances(rows: Rows) -> _Pair:
    """The sum of a - x_j over what is not masked; where anything is, only eps = 0 is not fixed."""
    head, tail = np.zeros_like(rows.top), np.zeros_like(rows.top)
    for chunk in rows.chunks():
        some = rows.some(chunk)
        for piece in rows.pieces():
            of_piece = _total_from_0(some, piece) or _total_from_top(some, piece)
            head[chunk], error = two_sum(head[chunk], of_piece[0])
            tail[chunk] += error + of_piece[1]
    return two_sum(head, tail)


def _total_from_0(rows: Rows, piece: slice) -> _Pair | None:
    """The sum of a - x_j as m a less that of the m logits, where that errs by 2**-97 of it.

    m a is exact as two float64. So are the differences of the heads; their errors, the second part
    of m a and the third column, each below 2**-50.9 m max |x|, are added with three roundings.
    """
    largest = max(abs(float(rows.top.max())), abs(float(rows.bottom.min())))
    if rows.usable is not None or not _LEAST < largest < DIRECT:
        return None
    x = rows.x[:, piece]
    w, m = workspace(x.shape), x.shape[-1]
    (first, second, third), error = columns_of_numbers(x, math.frexp(largest)[1], w)
    whole, low = exact_product(rows.top, np.full_like(rows.top, float(m)))
    head, e = two_sum(whole, -first)
    head, lost = two_sum(head, -second)
    head, tail = two_sum(head, (e + lost) + (low - third))
    error += 2.0**-101 * m * largest
    return (head, tail) if (error <= 2.0**-97 * head).all() else None


def _total_from_top(rows: Rows, piece: slice) -> _Pair:
    """The sum of a - x_j from each difference as two float64."""
    w = workspace(rows.x[:, piece].shape)
    d, low = difference(rows.x[:, piece], rows.top, w)
    if rows.usable is not None:
        kept = masks.all_bits(rows.kept(piece))
        masks.put(d, kept, 0.0)
        masks.put(low, kept, 0.0)
    head, tail = _total(d, low)
    w.give(d, low)
    return -head, -tail


def _total(head: Array, low: Array) -> _Pair:
    """The sum over each row of numbers of one sign, each head + low, |low| <= 2**-53 |head|.

    Halves are added until one column is left, k times: the heads with their errors, at most 2**-53
    of a sum each, which go to the lows. These are at most (k + 1) 2**-53 of their heads, and k
    additions round them by k (k + 1) 2**-106 of the sum at most. That is below 2**-97, since
    k < 27, and the additions of the pieces of a long row, fewer than 2**11, are below 2**-98.
    """
    while (n := head.shape[-1]) > 1:
        half = n - n // 2  # of an odd number the middle one waits
        total, error = two_sum(head[:, : n - half], head[:, half:])
        rest = error + low[:, : n - half] + low[:, half:]
        if n % 2:
            total = np.concatenate([total, head[:, half - 1 : half]], axis=-1)
            rest = np.concatenate([rest, low[:, half - 1 : half]], axis=-1)
        head, low = total, rest
    return two_sum(head, low)
