"""How far each score q.k / sqrt d lies below the largest of its row, with a bound of the error.

q and each key are scaled by powers of two to magnitudes of at most 1 and multiplied slice by slice,
exactly: see `softmax_harness.operations.attention.slices`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.row_reductions import row_any, row_max
from softmax_harness.operations.attention import doubles, slices
from softmax_harness.operations.attention.slices import Sliced
from softmax_harness.operations.screen.sums import two_sum
from softmax_harness.operations.screen.workspace import Array

_NEAR = 2  # exponents no further apart are taken as one
_UNDERFLOW = 2.0**-1000
"""More than all that underflows where numbers of magnitude 1 are scaled and multiplied."""

_OF_ONE_SIZE = 4
"""Products of slices that are added exactly: a bit less of each slice costs less than to add them
as pairs."""

DEEPEST = -640.0
"""Weights of scores further below the largest are only bounded. The second part of exp(-640), above
2**-924, is a normal float64 to 2**-98 of the whole."""


class Vectors(NamedTuple):
    """Vectors as slices, and the power of two that each was divided by.

    Attributes
    ----------
    sliced : Sliced
    exponent : ndarray of int64
        One for each vector.
    """

    sliced: Sliced
    exponent: NDArray[np.int64]

    def rows(self, part: slice) -> Vectors:
        """Those of some rows."""
        return Vectors(self.sliced.of_rows(part), self.exponent[part])


def vectors(values: Array, least: float, *, all_count: bool = False) -> Vectors:
    """`Vectors` of the last axis of `values`, 0 where they are not finite.

    Parameters
    ----------
    all_count : bool
        Whether all vectors of a row, of shape (rows, n, d), count for it: then what is asked for is
        relative to the largest of them, whose power of two serves all.
    """
    bits = slices.bits_for(_OF_ONE_SIZE * values.shape[-1])
    if all_count:
        flat = values.reshape(len(values), -1)
        largest = np.maximum(flat.max(axis=-1), -flat.min(axis=-1))[:, None, None]
    else:
        largest = row_max(np.abs(values), keepdims=True)
    if not np.isfinite(largest).all():
        return vectors(finite(values), least, all_count=all_count)
    exponent = shared_exponent(np.frexp(largest)[1].astype(np.int64))
    own = np.broadcast_to(exponent[..., 0], values.shape[:-1])
    return Vectors(cut(values, exponent, bits, least), own)


def finite(values: Array) -> Array:
    """The values, with 0 for what is not finite: the policy has fixed what that could reach."""
    return np.where(np.isfinite(values), values, 0.0)


def cut(values: Array, exponent: NDArray[np.int64], bits: int, least: float) -> Sliced:
    """values / 2**exponent, of magnitude 1 or less, as slices: as they are if it is one number."""
    if exponent.size:
        one = int(exponent.flat[0])
        if abs(one) <= slices.MOST_EXPONENT and (exponent == one).all():
            return slices.sliced(values, bits, least, exponent=one)
    return slices.sliced(times_power(values, -exponent), bits, least)


def shared_exponent(exponent: NDArray[np.int64]) -> NDArray[np.int64]:
    """The largest in place of all if none is far from it, as then one power of two serves all."""
    if exponent.size and exponent.max() - exponent.min() <= _NEAR:
        return np.full_like(exponent, exponent.max())
    return exponent


def times_power(values: Array, exponent: NDArray[np.int64]) -> Array:
    """values * 2**exponent, exactly but for what over- or underflows."""
    return scaling(exponent)(values)


def scaling(exponent: NDArray[np.int64]) -> Callable[[Array], Array]:
    """What multiplies by 2**exponent, as `times_power`: for several arrays."""
    least, most = (int(exponent.min()), int(exponent.max())) if exponent.size else (0, 0)
    if max(most, -least) < 1000:
        factor = 2.0**least if least == most else np.ldexp(1.0, exponent.astype(np.int32))

        def multiplied(values: Array) -> Array:
            with np.errstate(over="ignore", under="ignore"):
                return np.asarray(values * factor)

        return multiplied
    clipped = np.clip(exponent, -4400, 4400).astype(np.int32)

    def scaled(values: Array) -> Array:
        with np.errstate(over="ignore", under="ignore"):
            return np.asarray(np.ldexp(values, clipped))

    return scaled


@dataclass(frozen=True)
class Distances:
    """(s - max s) of each row, s the scores, as pairs of float64; nothing is above 0.

    Attributes
    ----------
    high, low : ndarray of float64, shape (rows, n)
        A normalised pair; 0 where a key is not counted.
    counted : ndarray of bool, shape (rows, n)
        The keys that are seen and not deep.
    deep : ndarray of bool, shape (rows, n)
        Keys that are seen, of scores below `DEEPEST`.
    top : ndarray of int64, shape (rows,)
        The place of the largest score.
    error : ndarray of float64, shape (rows, 1)
        Bound of the absolute error of a distance.
    heaviest : ndarray of float64, shape (rows, 1)
        Bound of the weights of the deep keys.
    farther : ndarray of float64, shape (rows, n)
        The distance of a deep key is this one at most; -inf for others.
    """

    high: Array
    low: Array
    counted: NDArray[np.bool_]
    deep: NDArray[np.bool_]
    top: NDArray[np.int64]
    error: Array
    heaviest: Array
    farther: Array

    @cached_property
    def any_deep(self) -> bool:
        """Whether any key is deep."""
        return bool(self.deep.any())


class Scores(NamedTuple):
    """q.k of each row, as exact parts, see `slices.parts`, each in units of 2**`exponent`.

    Attributes
    ----------
    each : list of ndarray of float64, shape (rows, n)
    missing : float
        Bound of what all of them leave, in the same units.
    exponent : ndarray of int64, shape (rows, n)
    """

    each: list[Array]
    missing: float
    exponent: NDArray[np.int64]


def scores(q: Vectors, k: Vectors, least: float, d: int) -> Scores:
    """`Scores`, without products of slices smaller than `least`.

    Parameters
    ----------
    q : Vectors, of shape (rows, d)
    k : Vectors, of shape (n, d) or (rows, n, d)
    d : int
        Length of the vectors.
    """
    across = k.sliced._replace(slices=[np.swapaxes(each, -1, -2) for each in k.sliced.slices])
    found = slices.parts(q.sliced, across, least, d)
    return Scores(found.each, found.missing, q.exponent[:, None] + k.exponent)


def joined(several: Sequence[Scores]) -> Scores:
    """The scores of several blocks of rows; where one has fewer parts, the others of it are 0."""
    if len(several) == 1:
        return several[0]
    most = max(len(each.each) for each in several)
    nothing = (np.zeros(each.exponent.shape) for each in several)
    padded = [
        each.each + [zero] * (most - len(each.each))
        for each, zero in zip(several, nothing, strict=True)
    ]
    return Scores(
        [np.concatenate(part) for part in zip(*padded, strict=True)],
        max(each.missing for each in several),
        np.concatenate([each.exponent for each in several]),
    )


def distances(
    found: Scores, seen: NDArray[np.bool_], d: int, sink: Array | None = None
) -> Distances:
    """See `Distances`.

    Parameters
    ----------
    found : Scores
    seen : ndarray of bool, shape (rows, n)
        Each row sees a key.
    d : int
        Length of the vectors.
    sink : ndarray of float64, shape (rows, 1), or None
        A score more of each row, which stands last.

    Notes
    -----
    All scores of a row are taken in units of 2**E, E the largest sum of the exponents of q and of a
    key that is seen. The parts of the scores, see `slices.parts`, are exact, and so are the pairs
    that are the differences from those of the largest score: what all keys have in common leaves
    no error. `_added` adds them. Then 2**E / sqrt d times its error is what a distance errs by, and
    the error of the product with 1 / sqrt d, `doubles.PRODUCT_ERROR` of the distance.
    """
    exponent = found.exponent
    unit = row_max(np.where(seen, exponent, -(1 << 20)), keepdims=True)
    lift = np.minimum(exponent - unit, 0)  # of what is not seen nothing is asked
    is_lifted = bool(lift.any())
    each = list(map(scaling(lift), found.each)) if is_lifted else found.each
    top = _largest(each, seen)
    high, low, error = _added(each, top, is_exact=not is_lifted)
    top = _corrected(top, high, low, seen)
    apart = doubles.difference((high, low), (_at(high, top), _at(low, top)))
    root = doubles.square_root_inverse(d)
    apart = doubles.product(apart, (np.full((1, 1), root[0]), np.full((1, 1), root[1])))
    in_units = scaling(unit)
    high, low = map(in_units, apart)
    own = 1.01 * root[0] * in_units(error + _at(error, top) + 2.0 * found.missing)
    own -= 1.01 * doubles.PRODUCT_ERROR * high
    own += _UNDERFLOW + in_units(np.full((1, 1), _UNDERFLOW))
    if sink is None:
        return _counted(high, low, own, seen, top)
    of_top = _score([_at(part, top) for part in each], found.missing, root, in_units)
    return _counted(*_with_sink((high, low), own, seen, top, of_top, sink))


class _Score(NamedTuple):
    """The largest score of each row, a pair of shape (rows, 1) each, and the bound of its error."""

    high: Array
    low: Array
    error: Array


def _score(
    parts: list[Array],
    missing: float,
    root: tuple[float, float],
    in_units: Callable[[Array], Array],
) -> _Score:
    """2**unit / sqrt d times the sum of the parts, each of shape (rows, 1), as in `distances`."""
    high, low, error = _sum(parts)
    pair = (np.full((1, 1), each) for each in root)
    scaled = doubles.product((high, low), (next(pair), next(pair)))
    high, low = map(in_units, scaled)
    own = 1.01 * root[0] * in_units(error + missing)
    own += 1.01 * doubles.PRODUCT_ERROR * np.abs(high)
    own += _UNDERFLOW + in_units(np.full((1, 1), _UNDERFLOW))
    return _Score(high, low, own)


def _with_sink(
    apart: tuple[Array, Array],
    own: Array,
    seen: NDArray[np.bool_],
    top: NDArray[np.int64],
    of_top: _Score,
    sink: Array,
) -> tuple[Array, Array, Array, NDArray[np.bool_], NDArray[np.int64]]:
    """The distances of the keys and of the sink, with their errors, what is seen, and the top.

    The sink lies at sink - s, s the largest score of a key, a difference that errs by 2**-104 of
    the larger one besides what s errs by. Where that is above 0 the sink is the largest, and all
    keys lie so much further below; that difference errs by 6 u**2 of the larger one.
    """
    with np.errstate(invalid="ignore", over="ignore"):  # scores beyond float64, which are left open
        beyond = doubles.difference((sink, np.zeros_like(sink)), (of_top.high, of_top.low))
        error = of_top.error + 2.0**-103 * (np.abs(sink) + np.abs(of_top.high))
        is_top = ~(beyond[0] <= 0.0)
        less = tuple(np.where(is_top, each, 0.0) for each in beyond)
        high, low = doubles.difference(apart, (less[0], less[1]))
        own = own + np.where(is_top, error + 2.0**-103 * np.abs(high), 0.0)
    high, low, own = (
        np.concatenate([each, np.where(is_top, 0.0, more)], axis=-1)
        for each, more in ((high, beyond[0]), (low, beyond[1]), (own, error))
    )
    seen = np.concatenate([seen, np.ones(sink.shape, bool)], axis=-1)
    return high, low, own, seen, np.where(is_top[:, 0], seen.shape[-1] - 1, top)


def _at(values: Array, top: NDArray[np.int64]) -> Array:
    return np.asarray(values[np.arange(len(top)), top, None])


def _largest(parts: list[Array], seen: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The place of the score that is the largest in float64, shape (rows,)."""
    score = parts[0]
    for part in parts[1:]:
        score = score + part
    return np.asarray(np.argmax(np.where(seen, score, -np.inf), axis=-1))


def _added(
    parts: list[Array], top: NDArray[np.int64], *, is_exact: bool
) -> tuple[Array, Array, Array]:
    """The sum of each part's difference from that at `top`, as a pair, and its error.

    P exact pairs, of sizes that add up to A, are added as pairs: the errors of the leading sum, at
    most u A each, and the low parts, at most u A together, are added in 2 P steps with an error of
    4 P**2 u**2 A at most. Where `is_exact`, a difference is a float64 by itself: the parts are
    integers of at most 2**52 in one unit, since scores have no second parts, see `slices.bits_for`.
    """
    low = np.zeros(parts[0].shape)
    high, size = low, low
    for place, part in enumerate(parts):
        if is_exact:
            apart = part - _at(part, top)
        else:
            apart, rest = two_sum(part, -_at(part, top))
            low = low + rest
        if place:
            high, error = two_sum(high, apart)
            low = low + error
            size = size + np.abs(apart)
        else:
            high, size = apart, np.abs(apart)
    high, low = two_sum(high, low)
    return high, low, (4.04 * 2.0**-106 * len(parts) ** 2) * size


def _sum(parts: list[Array]) -> tuple[Array, Array, Array]:
    """The sum of the parts as a pair, and its error.

    P parts, of sizes that add up to A, leave P errors of at most u A each, whose sum errs by u of
    itself in each of P steps: P**2 u**2 A together.
    """
    high = low = size = np.zeros(parts[0].shape)
    for part in parts:
        high, error = two_sum(high, part)
        low = low + error
        size = size + np.abs(part)
    high, low = two_sum(high, low)
    return high, low, (1.01 * 2.0**-106 * len(parts) ** 2) * size


def _corrected(
    top: NDArray[np.int64], high: Array, low: Array, seen: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """The place of the largest pair of each row: of equal leading parts, by the second."""
    leading = np.where(seen, high, -np.inf)
    most = row_max(leading, keepdims=True)
    if (most == 0).all():
        return top
    return np.asarray(np.argmax(np.where(leading == most, low, -np.inf), axis=-1))


def _counted(
    high: Array, low: Array, own: Array, seen: NDArray[np.bool_], top: NDArray[np.int64]
) -> Distances:
    """`Distances` that err by `own` each."""
    deep = seen & ~(high >= DEEPEST)
    counted = seen & ~deep
    error = row_max(np.where(counted, own, 0.0), keepdims=True)
    heaviest, farther = np.zeros(error.shape), np.broadcast_to(-np.inf, deep.shape)
    if deep.any():
        with np.errstate(invalid="ignore"):  # -inf and a bound of inf
            found = (1.0 - 2.0**-50) * high + own  # `low` is an ulp of `high` at most
        found = np.where(np.isfinite(found), np.minimum(found, 0.0), 0.0)
        farther = np.where(deep, found, -np.inf)
        weight = np.exp(row_max(farther, keepdims=True))
        heaviest = np.where(row_any(deep, keepdims=True), 1.01 * weight + _UNDERFLOW, 0.0)
    if not counted.all():
        high, low = np.where(counted, high, 0.0), np.where(counted, low, 0.0)
    return Distances(high, low, counted, deep, top, error, heaviest, farther)
