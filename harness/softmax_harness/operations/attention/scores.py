"""How far each score q.k / sqrt d lies below the largest of its row, with a bound of the error.

q and each key are scaled by powers of two to magnitudes of at most 1 and multiplied slice by slice,
exactly: see `softmax_harness.operations.attention.slices`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from softmax_harness.operations.attention import doubles, slices
from softmax_harness.operations.attention.slices import Sliced
from softmax_harness.operations.screen.workspace import Array

_UNDERFLOW = 2.0**-1000
"""More than all that underflows where numbers of magnitude 1 are scaled and multiplied."""

DEEPEST = -690.0
"""Weights of scores further below the largest are only bounded; exp(-690) is a normal float64."""


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


def vectors(values: Array, least: float) -> Vectors:
    """`Vectors` of the last axis of `values`."""
    bits = slices.bits_for(values.shape[-1])
    largest = np.abs(values).max(axis=-1, keepdims=True, initial=0.0)
    exponent = np.frexp(largest)[1].astype(np.int64)
    return Vectors(slices.sliced(times_power(values, -exponent), bits, least), exponent[..., 0])


def times_power(values: Array, exponent: NDArray[np.int64]) -> Array:
    """values * 2**exponent, exactly but for what over- or underflows."""
    with np.errstate(over="ignore", under="ignore"):
        if exponent.size == 0 or max(exponent.max(), -exponent.min()) < 1000:
            return np.asarray(values * np.ldexp(1.0, exponent.astype(np.int32)))
        clipped = np.clip(exponent, -4400, 4400).astype(np.int32)
        return np.asarray(np.ldexp(values, clipped))


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
    """

    high: Array
    low: Array
    counted: NDArray[np.bool_]
    deep: NDArray[np.bool_]
    top: NDArray[np.int64]
    error: Array
    heaviest: Array

    @cached_property
    def any_deep(self) -> bool:
        """Whether any key is deep."""
        return bool(self.deep.any())


def distances(q: Vectors, k: Vectors, seen: NDArray[np.bool_], least: float, d: int) -> Distances:
    """See `Distances`.

    Parameters
    ----------
    q : Vectors, of shape (rows, d)
    k : Vectors, of shape (n, d) or (rows, n, d)
    seen : ndarray of bool, shape (rows, n)
        Each row sees a key.
    least : float
        Products of slices that are smaller are left out.
    d : int
        Length of the vectors.

    Notes
    -----
    All scores of a row are taken in units of 2**E, E the largest sum of the exponents of q and of a
    key that is seen. In these each errs by e, see `slices.product`, and differences by 2 e and
    6 u**2 of the scores, which are below d. Then 2**E / sqrt d times that is what a distance errs
    by, and by the error of the product with 1 / sqrt d: `doubles.PRODUCT_ERROR` of at most 690.
    """
    transposed = Sliced([np.swapaxes(each, -1, -2) for each in k.sliced.slices], *k.sliced[1:])
    high, low, error = slices.product(q.sliced, transposed, least, d)
    exponent = q.exponent[:, None] + k.exponent
    unit = np.where(seen, exponent, -(1 << 20)).max(axis=-1, keepdims=True)
    lift = np.minimum(exponent - unit, 0)  # of what is not seen nothing is asked
    if lift.any():
        high, low = times_power(high, lift), times_power(low, lift)
    top = _largest(high, low, seen)
    at_top = tuple(np.take_along_axis(each, top[:, None], axis=-1) for each in (high, low))
    apart = doubles.difference((high, low), (at_top[0], at_top[1]))
    root = doubles.square_root_inverse(d)
    scaled = doubles.product(apart, (np.full((1, 1), root[0]), np.full((1, 1), root[1])))
    high, low = (times_power(each, unit) for each in scaled)
    with np.errstate(over="ignore"):
        own = np.ldexp(2.0 * error + 2.0**-102 * d + _UNDERFLOW, unit.astype(np.int32))
    own = 1.01 * own * root[0] + doubles.PRODUCT_ERROR * -DEEPEST
    deep = seen & ~(high >= DEEPEST)
    return _counted(high, low, seen, deep, top, own)


def _largest(high: Array, low: Array, seen: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The place of the largest pair of each row: of equal leading parts, by the second."""
    leading = np.where(seen, high, -np.inf)
    is_top = leading == leading.max(axis=-1, keepdims=True)
    return np.asarray(np.argmax(np.where(is_top, low, -np.inf), axis=-1))


def _counted(
    high: Array,
    low: Array,
    seen: NDArray[np.bool_],
    deep: NDArray[np.bool_],
    top: NDArray[np.int64],
    error: Array,
) -> Distances:
    counted = seen & ~deep
    heaviest = np.zeros(error.shape)
    if deep.any():
        nearest = np.where(deep, high, -np.inf).max(axis=-1, keepdims=True)
        with np.errstate(invalid="ignore", over="ignore"):
            weight = np.exp(np.minimum(np.nan_to_num(nearest + error, nan=0.0), 0.0))
        heaviest = np.where(deep.any(axis=-1, keepdims=True), 1.01 * weight + _UNDERFLOW, 0.0)
    if not counted.all():
        high, low = np.where(counted, high, 0.0), np.where(counted, low, 0.0)
    return Distances(high, low, counted, deep, top, error, heaviest)
