"""What a well-made attention errs by, and what rounding its operands would change.

Well-made are all of these, with every step in one format: the plain form, which multiplies the
normalised weights with the values; the scale taken from q and k before, as d**-1/4 each or from q
alone; exponentials to the base 2; one pass over blocks of keys, rescaled where the running maximum
moves (Dao et al., "FlashAttention", 2022), and two passes.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.formats import FORMATS, Format
from softmax_harness.ground.row_reductions import (
    column_max,
    column_min,
    row_any,
    row_max,
    row_sum,
)
from softmax_harness.operations import bounds, flushing, rows
from softmax_harness.operations.attention.slices import times
from softmax_harness.operations.enclosure import Array
from softmax_harness.operations.operand import Operands, own_rows

_BLOCK = 16
"""The fewest keys between which a well-made kernel looks for a new maximum."""

_LEAST_OF_WEIGHTS = 8
"""Bits of the formats to which weights are rounded, bfloat16 and float16."""

_LARGE = 2.0**-7
"""Relative errors of the weights from which on it counts that these stay between 0 and 1."""


class _Known(NamedTuple):
    """Of some rows in float64: what the bound is made of.

    Attributes
    ----------
    q, k, v : ndarray
        Shape (rows, d), (n, d) or (rows, n, d), (n, c) or (rows, n, c).
    seen : ndarray of bool, shape (rows, n)
    size : ndarray, shape (rows, n)
        Sums of |q_i k_i|.
    log_weights : ndarray, shape (rows, n)
        -inf for keys that are not seen.
    distance : ndarray, shape (rows, n)
        From the largest score; 0 for keys that are not seen.
    """

    q: Array
    k: Array
    v: Array
    seen: NDArray[np.bool_]
    size: Array
    log_weights: Array
    distance: Array


def _known(operands: Operands) -> _Known:
    q, k, v, mask = operands
    q, seen = q[:, 0].astype(np.float64), mask[:, 0].astype(bool)
    k, v = (_shared(each).astype(np.float64) for each in (k, v))
    across = np.swapaxes(k, -1, -2)
    scores = np.where(seen, times(q, across) / np.sqrt(q.shape[-1]), -np.inf)
    top = scores.max(axis=-1, keepdims=True, initial=-np.inf)
    distance = np.where(seen, top - scores, 0.0)
    total = np.where(seen, np.exp(-distance), 0.0).sum(axis=-1, keepdims=True)
    log_weights = np.where(seen, -distance - np.log(total), -np.inf)
    return _Known(q, k, v, seen, times(np.abs(q), np.abs(across)), log_weights, distance)


def _shared(array: NDArray[np.float64]) -> NDArray[np.float64]:
    own = own_rows(array)
    return own[0] if len(own) == 1 else array


@np.errstate(invalid="ignore", over="ignore", divide="ignore")
def error_bound(x: Array, operands: Operands, z: Array, ulp: Array, format: Format) -> Array:
    """In ulp of each result, shape (rows, c); infinite where an honest kernel may overflow.

    Notes
    -----
    With w the weights, E the bound of the error of a score and of its exponential, and
    M = log sum w exp(E): a computed weight is between w exp(-E - M) and w exp(E + M), and between 0
    and 1. The computed weights sum to 1 as w do, so that what they are wrong by counts times
    |v - z| alone, and the mean stays between the least and the largest value that is seen. Beside
    this the sums, of weights and of weighted values, the products and the division are in error by
    so many u of sum w |v|; what is added to a sum without a rounding, 0 for keys that are hidden,
    does not count.
    """
    if x.shape[-1] == 0:
        return np.full(z.shape, np.inf)
    known = _known(operands)
    setting = bounds.native(format, bounds.pairwise_additions(x.shape[-1]))
    u, eta, n = setting.unit_roundoff, setting.smallest_subnormal, x.shape[-1]
    wrong, inflated = _weights(known, setting)
    roundings = _roundings(known.seen, setting.additions)
    apart = _apart(known, wrong, z)
    size = times(inflated, np.abs(known.v))
    large = np.flatnonzero(row_any(wrong > _LARGE))
    if large.size:
        apart[large], size[large] = _limited(known, large, apart[large], size[large], z[large])
    lost = n * (setting.errors.exp_subnormal + 2.0) * eta
    largest = column_max(np.abs(known.v))
    absolute = apart + u * (roundings * size + np.abs(z)) + lost * (n * largest + 1.0)
    raw = row_max(known.size, keepdims=True)
    overflows = np.maximum(1.01 * raw, n * largest) > format.largest
    return np.where(overflows, np.inf, 1.1 * absolute / ulp)


@np.errstate(invalid="ignore", over="ignore", divide="ignore")
def narrowed_bound(x: Array, operands: Operands, z: Array, ulp: Array, format: Format) -> Array:
    """In ulp of each result, of weights that are rounded to the format of the values.

    So matrix units multiply both (Dao et al., "FlashAttention", 2022). A weight, or an exponential
    in its place, errs by u times itself and by half a spacing of at most 1, which the sum, of 1 or
    more, does not enlarge. It errs by no more than it is apart from 1, which is a number: nothing
    of that kind is allowed where one key has nearly all weight. In formats of one byte it is 0:
    kernels have weights of 16 bits there.
    """
    if format.precision < _LEAST_OF_WEIGHTS:
        return np.zeros(z.shape)
    known = _known(operands)
    w, size = np.exp(known.log_weights), np.abs(known.v)
    rounded = np.minimum(format.unit_roundoff * w, 1.0 - w)
    rounded += np.where(w < 1.0, 0.5 * format.smallest_subnormal * known.seen, 0.0)
    return np.asarray(1.1 * times(rounded, size) / ulp)


@np.errstate(invalid="ignore", over="ignore", divide="ignore")
def lost_by_flushing(x: Array, operands: Operands, z: Array, format: Format) -> Array:
    """What the mean loses of its terms, and by scores of which a factor is flushed.

    A factor may be multiplied by the scale before.
    """
    known, least = _known(operands), flushing.least_kept(format)
    w = np.exp(known.log_weights)[:, :, None]
    w = w + np.where(known.seen, FORMATS["float64"].smallest_subnormal, 0.0)[:, :, None]
    size = np.abs(known.v)
    lost = flushing.lost_of_mean(w, size, least)[:, 0]
    q, across = np.abs(known.q), np.abs(np.swapaxes(known.k, -1, -2))
    root = np.sqrt(q.shape[-1])
    scaled = least * root
    moved = times(flushing.where_flushed(q, scaled), across)
    moved += times(q, flushing.where_flushed(across, scaled))
    most = np.where(known.seen, moved, 0.0).max(axis=-1, keepdims=True, initial=0.0) / root
    return np.asarray(lost + np.expm1(2.0 * most) * (times(w[:, :, 0], size) + np.abs(z)))


def reach(operands: Operands) -> tuple[Array, Array]:
    """Twice the largest value that is seen, of either sign, shape (rows, c) each.

    Where a score overflows its weight is lost, or that of the others is; but a mean of what is
    seen, and of 0, is no larger than the largest of it, however wrong the weights are. The other
    half pays for the roundings of both sums.
    """
    v, seen = operands[2].astype(np.float64, copy=False), operands[3][:, 0, :, None].astype(bool)
    size = np.abs(np.where(seen & np.isfinite(v), v, 0.0))
    most = 2.0 * size.max(axis=-2, initial=0.0)
    return -most, most


def least_of_rows(n: int, normal: NDArray[np.bool_]) -> Array:
    """What `error_bound` is nowhere below: 1.1 u (4 |z| + |z|), of a row that sees one key.

    Where z is no normal number it is the ulp, eta, that is lost at least twice.
    """
    return np.where(normal, 2.75, 2.0)


def least_of_seeing_rows(normal: NDArray[np.bool_], operands: Operands) -> Array:
    """The same by the number of keys that a row sees: 1.1 u (r |z| + |z|), r as of `_roundings`."""
    seen = operands[3][:, 0]
    roundings = _roundings(seen, bounds.pairwise_additions(seen.shape[-1]))[:, 0]
    return np.where(normal, 0.55 * (np.maximum(roundings, 4.0) + 1.0), 2.0)


def _roundings(seen: NDArray[np.bool_], additions: float) -> Array:
    """Of both sums, of a product in each and of the division, in u, shape (rows, 1).

    The weights are added in pairs, or in pairs within blocks and these one after another. A
    library's product of a matrix and a vector adds one value after another: OpenBLAS errs by n u/8
    where all terms are equal. Sums of one term have no rounding.
    """
    others = seen.sum(axis=-1, keepdims=True) - 1.0
    in_blocks = additions + seen.shape[-1] / _BLOCK
    return np.asarray(np.minimum(others, in_blocks) + others + 4.0)


def _weights(known: _Known, setting: bounds.Arithmetic) -> tuple[Array, Array]:
    """What the weights may be wrong by, and how large they may be.

    A score, of magnitude m = sum |q k| / sqrt d, errs by (d + 8) u m: d for its sum, the others for
    the scale, taken from q and k or from the sum, and for the factor log2 e and the product of it
    with the maximum. Then the difference from the maximum, in one step or in several, is rounded by
    u times itself, and each new maximum adds an exponential and two products.
    """
    u, d = setting.unit_roundoff, known.q.shape[-1]
    error = (d + 8.0) * (u * known.size / np.sqrt(d) + setting.smallest_subnormal)
    error += u * known.distance + setting.errors.exp
    error += (setting.errors.exp + 2.0 * u) * _rescalings(known)
    error = np.where(known.seen, error, 0.0)
    w = np.exp(known.log_weights)
    grown = np.where(error < 1.0, w * np.expm1(error), np.exp(known.log_weights + error) - w)
    both = error + np.log1p(row_sum(grown, keepdims=True))
    wrong = np.where(both < 1.0, w * np.expm1(both), np.exp(known.log_weights + both))
    wrong = np.where(known.seen, np.minimum(wrong, 1.0), 0.0)
    return wrong, np.minimum(w + wrong, 1.0)


def _rescalings(known: _Known) -> Array:
    """How often the running maximum moves after the block of each key, shape (rows, n)."""
    rows_, n = known.distance.shape
    blocks = -(-n // _BLOCK)
    if blocks == 1:
        return np.zeros((rows_, n))
    padded = np.full((rows_, blocks * _BLOCK), np.inf)
    padded[:, :n] = np.where(known.seen, known.distance, np.inf)
    least = np.minimum.accumulate(padded.reshape(rows_, blocks, _BLOCK).min(axis=-1), axis=-1)
    moves = np.zeros((rows_, blocks))
    moves[:, 1:] = least[:, 1:] < least[:, :-1]
    after = moves.sum(axis=-1, keepdims=True) - moves.cumsum(axis=-1)
    return np.repeat(after, _BLOCK, axis=-1)[:, :n]


def _apart(known: _Known, wrong: Array, z: Array) -> Array:
    """A bound of sum of wrong |v - z|, by products of matrices.

    |v - z| is at most |v| + |z|, and |v - m| + |z - m| with m the middle of all values of a column:
    the one is near it where most values are near 0, the other where they are all alike.
    """
    middle = (column_max(known.v) / 2 + column_min(known.v) / 2)[..., None, :]
    total = row_sum(wrong, keepdims=True)
    from_zero = times(wrong, np.abs(known.v)) + total * np.abs(z)
    from_middle = times(wrong, np.abs(known.v - middle)) + total * np.abs(z - middle[..., 0, :])
    return np.asarray(np.minimum(from_zero, from_middle))


def _limited(
    known: _Known, chosen: NDArray[np.int64], apart: Array, size: Array, z: Array
) -> tuple[Array, Array]:
    """No mean leaves the range of what is seen, and no sum of w |v| exceeds the largest |v|."""
    v = known.v if known.v.ndim == 2 else known.v[chosen]
    seen = known.seen[chosen][:, :, None]
    high = column_max(np.where(seen, v, -np.inf))
    low = column_min(np.where(seen, v, np.inf))
    apart = np.minimum(apart, np.maximum(high - z, z - low))
    return apart, np.minimum(size, np.maximum(np.abs(high), np.abs(low)))


def input_sensitivity(x: Array, operands: Operands, z: Array, format: Format) -> Array:
    """Half-ulp changes of q, k and v: sum of w_j |v_j - z| d_j + w_j h(v_j), w the weights.

    d_j = sum over c of (|q_c| h(k_jc) + |k_jc| h(q_c)) / sqrt d is what they do to a score.
    """
    h = rows.half_ulps
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
        known = _known(operands)
        weights = np.exp(known.log_weights)
        q, k, v = known.q, known.k, known.v
        moved = times(np.abs(q), np.swapaxes(h(k, format), -1, -2))
        moved += times(h(q, format), np.abs(np.swapaxes(k, -1, -2)))
        moved /= np.sqrt(q.shape[-1])
        apart = np.abs(v - z[:, None, :]) * moved[:, :, None]
        return np.asarray((weights[:, :, None] * apart).sum(axis=1) + times(weights, h(v, format)))
