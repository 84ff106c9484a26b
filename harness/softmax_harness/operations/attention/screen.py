"""The screen of attention: results enclosed with a proved bound, the open ones left to mpmath.

Each stage states its error: the scores `distances.distances`, their exponentials `weights.weights`,
the means `means.means`, the roundings `rounding.rounded`. A mean that cancels, or lies next to a
number at which the rounding changes, is taken once more, by `means.from_the_heaviest`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.formats import Format
from softmax_harness.operations.attention import distances, means
from softmax_harness.operations.attention.distances import Vectors
from softmax_harness.operations.attention.means import Values
from softmax_harness.operations.attention.rounding import Rounded, rounded
from softmax_harness.operations.attention.special import own_rows
from softmax_harness.operations.attention.weights import Precision, precision_for, weights
from softmax_harness.operations.operand import Operands
from softmax_harness.operations.screen import LONGEST_ROW, Screened
from softmax_harness.operations.screen.workspace import BLOCK_ELEMENTS, Array
from softmax_harness.operations.truth import Truth

# Slices of four blocks still fit the caches; with fewer numbers, a few hundred calls for each row
# cost as much as the arithmetic.
_MORE = 4


class _Keys(NamedTuple):
    """The keys and values of some rows, those that share them or each with its own."""

    k: Vectors
    v: Values


class _Rows(NamedTuple):
    """Rows of queries with what they see and with keys and values, all finite."""

    q: Array
    k: Array
    v: Array
    seen: NDArray[np.bool_]


def screen(
    x: Array, operands: Operands, fixed: NDArray[np.bool_], expected: Array, format: Format
) -> Screened:
    """Attention of each row as `format` sees it.

    Parameters
    ----------
    x : ndarray of float64, shape (rows, n)
        What the operands were made from; only its shape counts.
    operands : tuple of ndarray
        q, k, v and the mask. Where rows share keys or values, these are views with a stride of 0
        along the rows, and one product of matrices serves all.
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
    undecided: NDArray[np.bool_] = np.asarray(~fixed.all(axis=-1))
    error = 0.0
    open_ = np.flatnonzero(undecided)
    if open_.size and x.shape[-1] <= LONGEST_ROW:
        error = _screen_rows(_numbers(operands, open_), truth, open_, undecided)
    return Screened(truth, undecided, error)


def _numbers(operands: Operands, rows: NDArray[np.int64]) -> _Rows:
    """The operands of some rows as float64; what is shared loses its axis of rows.

    What is not finite is 0 here: the policy has fixed what it could reach.
    """
    q, k, v, mask = operands
    k, v = (_own(each, rows) for each in (k, v))
    with np.errstate(invalid="ignore"):
        q, k, v = (_finite(each.astype(np.float64, copy=False)) for each in (q[rows, 0], k, v))
    return _Rows(q, k, v, mask[rows, 0].astype(bool))


def _own(array: NDArray[np.float64], rows: NDArray[np.int64]) -> NDArray[np.float64]:
    own = own_rows(array)
    if len(own) == 1:
        return np.asarray(own[0])
    return own if len(rows) == len(own) else np.asarray(own[rows])


def _finite(array: Array) -> Array:
    finite = np.isfinite(array)
    return array if finite.all() else np.where(finite, array, 0.0)


def _screen_rows(
    all_: _Rows, truth: Truth, rows: NDArray[np.int64], undecided: NDArray[np.bool_]
) -> float:
    """Screen the rows of `truth`, as many at once as the workspace holds; the error in ulp."""
    precision, worst = precision_for(truth.format), 0.0
    shared = _Keys(*(_vectors_or_values(all_, precision))) if _is_shared(all_) else None
    step = max(1, _numbers_at_once(all_) // all_.seen.shape[-1])
    for start in range(0, len(rows), step):
        part = slice(start, start + step)
        here = all_ if len(rows) <= step else _part(all_, part)
        keys = shared or _Keys(*_vectors_or_values(here, precision))
        found = _results(here, keys, precision, truth.format)
        place = rows[part]
        own = ~truth.fixed[place]
        for target, each in zip((truth.rounded, truth.offset, truth.ulp), found[:3], strict=True):
            target[place] = np.where(own, each, target[place])
        undecided[place] = (found.open & own).any(axis=-1)
        worst = max(worst, float(np.max(found.error, where=~found.open & own, initial=0.0)))
    return worst


def _numbers_at_once(rows: _Rows) -> int:
    """Scores that are worked on together: of keys of their own, each comes with many numbers."""
    if _is_shared(rows):
        return BLOCK_ELEMENTS
    return int(_MORE * BLOCK_ELEMENTS // max(rows.k.shape[-1], rows.v.shape[-1]))


def _is_shared(rows: _Rows) -> bool:
    return rows.k.ndim == rows.v.ndim == 2


def _part(rows: _Rows, part: slice) -> _Rows:
    k, v = (each if each.ndim == 2 else each[part] for each in (rows.k, rows.v))
    return _Rows(rows.q[part], k, v, rows.seen[part])


def _vectors_or_values(rows: _Rows, precision: Precision) -> tuple[Vectors, Values]:
    return distances.vectors(rows.k, precision.scores), means.values(rows.v, precision.values)


def _results(here: _Rows, keys: _Keys, precision: Precision, format: Format) -> Rounded:
    """The results of some rows, shape (rows, c)."""
    q = distances.vectors(here.q, precision.scores)
    apart = distances.distances(q, keys.k, here.seen, precision.scores, here.q.shape[-1])
    w = weights(apart, precision)
    mean = means.means(w, apart, keys.v, precision.values)
    found = rounded(mean.z, format)
    place = np.nonzero(found.open)
    most = max(1, BLOCK_ELEMENTS // here.seen.shape[-1])
    for start in range(0, len(place[0]), most):
        some = (place[0][start : start + most], place[1][start : start + most])
        again = rounded(means.from_the_heaviest(some, w, apart, keys.v, mean), format)
        for target, each in zip(found, again, strict=True):
            target[some] = each
    return found
