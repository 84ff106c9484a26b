"""The screen of attention: results enclosed with a proved bound, the open ones left to mpmath.

Each stage states its error: the scores `distances.distances`, their exponentials `weights.weights`,
the means `means.means`, the roundings `rounding.rounded`. A mean that cancels, or lies next to a
number at which the rounding changes, is taken once more, by `means.from_the_heaviest`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.formats import Format
from softmax_harness.ground.row_reductions import row_all, row_any, row_max
from softmax_harness.operations.attention import distances, means
from softmax_harness.operations.attention.distances import (
    Distances,
    Scores,
    Vectors,
    finite,
    times_power,
)
from softmax_harness.operations.attention.means import Columns, Sums, Values
from softmax_harness.operations.attention.rounding import Rounded, rounded
from softmax_harness.operations.attention.slices import Sliced
from softmax_harness.operations.attention.special import are_finite
from softmax_harness.operations.attention.weights import Precision, precisions_for, weights
from softmax_harness.operations.operand import Operands, own_rows
from softmax_harness.operations.screen import LONGEST_ROW, Screened
from softmax_harness.operations.screen.workspace import BLOCK_ELEMENTS, Array, rows_of_a_block
from softmax_harness.operations.truth import Truth

# Slices of two blocks still fit the caches; with fewer numbers, a few hundred calls for each row
# cost as much as the arithmetic.
_MORE = 2
_NOTHING = 2.0**-60  # ulp: a result below is known as 0


class _Keys(NamedTuple):
    """The keys and values that all rows share; None for those of which each row has its own."""

    k: Vectors | None
    v: Values | None


class _OwnValues(NamedTuple):
    """Values of which each row has its own, as they are stored; see `means.Columns`."""

    stored: NDArray[Any]
    exponent: NDArray[np.int64]

    def columns(
        self, row: NDArray[np.int64], column: NDArray[np.int64]
    ) -> tuple[Array, NDArray[np.int64]]:
        """See `means.Values.columns`: made anew, since few are asked for."""
        own, exponent = _number(self.stored[row, :, column]), self.exponent[row, column]
        return times_power(own, -exponent[:, None]), exponent


class _Rows(NamedTuple):
    """Rows of queries with what they see and with keys and values; sinks if any.

    Keys and values of their own are as they are stored: converted and cut into slices some rows at
    a time, see `_pieces`, they are in a cache.
    """

    q: Array
    k: NDArray[Any]
    v: NDArray[Any]
    seen: NDArray[np.bool_]
    sink: Array | None


def screen(
    x: Array, operands: Operands, fixed: NDArray[np.bool_], expected: Array, format: Format
) -> Screened:
    """Attention of each row as `format` sees it.

    Parameters
    ----------
    x : ndarray of float64, shape (rows, n)
        What the operands were made from; only its shape counts.
    operands : tuple of ndarray
        q, k, v and the mask, and of attention with a sink the sinks. Where rows share keys or
        values, these are views with a stride of 0 along the rows, and one product of matrices
        serves all.
    fixed, expected : ndarray, shape (rows, c)
        What the special-value policy gives, and where.
    """
    truth = Truth(
        format,
        np.where(fixed, expected, 0.0),
        np.zeros(fixed.shape),
        np.where(np.abs(expected) == 1.0, 2.0 * format.unit_roundoff, format.smallest_subnormal),
        fixed,
    )
    undecided: NDArray[np.bool_] = ~row_all(fixed)
    error = 0.0
    for precision in precisions_for(format) if x.shape[-1] <= LONGEST_ROW else ():
        open_ = np.flatnonzero(undecided)
        if open_.size:
            own = _screen_rows(_numbers(operands, open_), truth, open_, undecided, precision)
            error = max(error, own)
    return Screened(truth, undecided, error)


def screen_with_sink(
    x: Array, operands: Operands, fixed: NDArray[np.bool_], expected: Array, format: Format
) -> Screened:
    """As `screen`, with sinks of shape (rows, 1, 1); rows with a sink of -inf stay open."""
    found = screen(x, operands, fixed, expected, format)
    found.undecided[:] |= ~np.isfinite(operands[4][:, 0, 0]) & ~row_all(fixed)
    return found


def _numbers(operands: Operands, rows: NDArray[np.int64]) -> _Rows:
    """The operands of some rows, as `_number` has them; what is shared loses its axis of rows."""
    q, k, v, mask, *sinks = operands
    k, v = (_own(each, rows) for each in (k, v))
    k, v = (_number(each) if each.ndim == 2 else each for each in (k, v))
    q, *sinks = (_number(each[rows, 0]) for each in (q, *sinks))
    return _Rows(q, k, v, mask[rows, 0].astype(bool), sinks[0] if sinks else None)


def _number(stored: NDArray[Any]) -> Array:
    """As float64, with 0 for what is not finite: the policy has fixed what that could reach."""
    values = _float64(stored)
    return values if are_finite(values) else finite(values)


def _float64(stored: NDArray[Any]) -> Array:
    with np.errstate(invalid="ignore"):
        return stored.astype(np.float64, copy=False)


def _own(array: NDArray[Any], rows: NDArray[np.int64]) -> NDArray[Any]:
    own = own_rows(array)
    if len(own) == 1:
        return np.asarray(own[0])
    return own if len(rows) == len(own) else np.asarray(own[rows])


def _screen_rows(
    all_: _Rows,
    truth: Truth,
    rows: NDArray[np.int64],
    undecided: NDArray[np.bool_],
    precision: Precision,
) -> float:
    """Screen the rows of `truth`, as many at once as the workspace holds; the error in ulp."""
    worst = 0.0
    keys = _Keys(
        distances.vectors(all_.k, precision.scores) if all_.k.ndim == 2 else None,
        means.values(all_.v, precision.values) if all_.v.ndim == 2 else None,
    )
    step = rows_of_a_block(len(rows), all_.seen.shape[-1])
    for start in range(0, len(rows), step):
        part = slice(start, start + step)
        here = _part(all_, part)
        found = _results(here, keys, precision, truth.format)
        place = rows[part]
        own = ~truth.fixed[place]
        for target, each in zip((truth.rounded, truth.offset, truth.ulp), found[:3], strict=True):
            target[place] = np.where(own, each, target[place])
        undecided[place] = row_any(found.open & own)
        worst = max(worst, float(np.max(found.error, where=~found.open & own, initial=0.0)))
    return worst


def _part(rows: _Rows, part: slice) -> _Rows:
    k, v = (each if each.ndim == 2 else each[part] for each in (rows.k, rows.v))
    return _Rows(
        rows.q[part], k, v, rows.seen[part], None if rows.sink is None else rows.sink[part]
    )


def _pieces(here: _Rows) -> list[slice]:
    """Rows whose keys or values are worked on together: each score comes with many numbers."""
    count, n = here.seen.shape
    numbers = n * max(here.k.shape[-1], here.v.shape[-1])
    step = rows_of_a_block(count, numbers, _MORE * BLOCK_ELEMENTS)
    return [slice(start, start + step) for start in range(0, count, step)]


def _scores(here: _Rows, shared: Vectors | None, least: float) -> Scores:
    depth, q = here.q.shape[-1], distances.vectors(here.q, least)
    if shared is not None:
        return distances.scores(q, shared, least, depth)
    several = []
    for part in _pieces(here):
        all_count = bool(here.seen[part].all())
        own = distances.vectors(_float64(here.k[part]), least, all_count=all_count)
        several.append(distances.scores(q.rows(part), own, least, depth))
    return distances.joined(several)


def _sums(here: _Rows, cut: Sliced, shared: Values | None, least: float) -> tuple[Sums, Columns]:
    """The sums of the weighted values, and where these are found again."""
    if shared is not None:
        return means.sums(cut, shared, least), shared
    several = []
    for part in _pieces(here):
        own = means.values(_float64(here.v[part]), least)
        several.append(means.sums(cut.of_rows(part), own, least))
    found = means.joined(several)
    return found, _OwnValues(here.v, found.exponent)


def _results(here: _Rows, keys: _Keys, precision: Precision, format: Format) -> Rounded:
    """The results of some rows, shape (rows, c)."""
    found_scores = _scores(here, keys.k, precision.scores)
    apart = distances.distances(found_scores, here.seen, here.q.shape[-1], here.sink)
    w = weights(apart, precision)
    cut = means.sliced(w, precision.values, has_sink=here.sink is not None)
    sums, v = _sums(here, cut.sliced, keys.v, precision.values)
    mean = means.means(w, cut, apart, sums, precision.values)
    found = rounded(mean.z, format)
    _put_nothing(found, apart, v, format)
    for some in _open_ones(found.open, here.seen.shape[-1]):
        again = rounded(means.from_the_heaviest(some, w, apart, v, mean), format)
        for target, each in zip(found, again, strict=True):
            target[some] = each
    return found


_Place = tuple[NDArray[np.int64], NDArray[np.int64]]


def _open_ones(open_: NDArray[np.bool_], n: int) -> Iterator[_Place]:
    """Rows and columns of what is open, as many at once as the workspace has room for rows of n."""
    row, column = np.nonzero(open_)
    most = max(1, BLOCK_ELEMENTS // n)
    for start in range(0, len(row), most):
        yield row[start : start + most], column[start : start + most]


def _put_nothing(found: Rounded, apart: Distances, v: Columns, format: Format) -> None:
    """Open results so much smaller than any number that nothing but 0 is near.

    Where the values of all keys that count are 0, a result is below the number of keys times the
    largest of their values and exp of the least of their distances.
    """
    if not apart.any_deep:
        return
    n, limit = apart.counted.shape[-1], format.spacing_exponent + math.log2(_NOTHING)
    for row, column in _open_ones(found.open & row_any(apart.deep, keepdims=True), n):
        own, exponent = means.columns_of(v, (row, column), n)
        has_value = own != 0.0
        least = row_max(np.where(has_value, apart.farther[row], -np.inf))
        below = np.maximum(least, -(2.0**1000)) * math.log2(math.e)
        nothing = exponent + below + math.log2(n) + 1.0 < limit
        nothing &= ~row_any(has_value & apart.counted[row])
        some = row[nothing], column[nothing]
        found.rounded[some] = found.offset[some] = 0.0
        found.ulp[some], found.error[some] = format.smallest_subnormal, _NOTHING
        found.open[some] = False
