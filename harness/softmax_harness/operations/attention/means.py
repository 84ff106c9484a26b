"""Means of the values by the weights: by products of exact slices, and again where these cancel."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.row_reductions import column_max, row_max
from softmax_harness.operations.attention import distances, doubles, slices
from softmax_harness.operations.attention.distances import Distances, shared_exponent, times_power
from softmax_harness.operations.attention.rounding import Enclosed
from softmax_harness.operations.attention.slices import Sliced
from softmax_harness.operations.attention.weights import Weights
from softmax_harness.operations.screen.sums import exact_product, two_sum
from softmax_harness.operations.screen.workspace import Array

Powers = NDArray[np.int64]

_UNDERFLOW = 2.0**-960
"""More than all that underflows in products of weights and values of magnitude 1."""


class Values(NamedTuple):
    """v with each column divided by a power of two, as slices.

    Attributes
    ----------
    sliced : Sliced, of arrays of shape (n, c) or (rows, n, c)
    exponent : ndarray of int64, shape (c,) or (rows, c)
    v : ndarray of float64, shape (n, c) or (rows, n, c)
    """

    sliced: Sliced
    exponent: NDArray[np.int64]
    v: Array

    def columns(self, row: NDArray[np.int64], column: NDArray[np.int64]) -> tuple[Array, Powers]:
        """The values of some rows and columns, scaled, shape (m, n), and their exponents."""
        if self.v.ndim == 2:
            own, exponent = self.v[:, column].T, self.exponent[column]
        else:
            own, exponent = self.v[row, :, column], self.exponent[row, column]
        return times_power(own, -exponent[:, None]), exponent


class Columns(Protocol):
    """What finds the values of some means again, as `Values` does."""

    def columns(self, row: NDArray[np.int64], column: NDArray[np.int64]) -> tuple[Array, Powers]:
        """See `Values.columns`."""


def columns_of(
    v: Columns, place: tuple[NDArray[np.int64], NDArray[np.int64]], n: int
) -> tuple[Array, Powers]:
    """The values of some means, see `Columns`, of n keys: 0 for a sink, which stands last."""
    own, exponent = v.columns(*place)
    if own.shape[-1] < n:
        own = np.concatenate([own, np.zeros((len(own), 1))], axis=-1)
    return own, exponent


def values(v: Array, least: float) -> Values:
    """`Values` of v, shape (n, c) or (rows, n, c), 0 where that is not finite."""
    largest = column_max(np.abs(v))[..., None, :]
    if not np.isfinite(largest).all():
        return values(distances.finite(v), least)
    exponent = shared_exponent(np.frexp(largest)[1].astype(np.int64))
    cut = distances.cut(v, exponent, slices.bits_for(v.shape[-2]), least)
    return Values(cut, exponent[..., 0, :], v)


class Means(NamedTuple):
    """The means of each row, and what they were divided by.

    Attributes
    ----------
    z : Enclosed, of shape (rows, c)
    total : pair of ndarray, shape (rows, 1)
        The sum of the weights, a normalised pair.
    total_error : ndarray, shape (rows, 1)
        Bound of its relative error.
    """

    z: Enclosed
    total: doubles.Pair
    total_error: Array


class Sums(NamedTuple):
    """Sums of w v, as normalised pairs of shape (rows, c), in units of 2**`exponent`.

    Attributes
    ----------
    high, low : ndarray
    error : float
        Bound of the absolute error that the product of slices leaves.
    exponent : ndarray of int64, shape (rows, c)
    """

    high: Array
    low: Array
    error: float
    exponent: Powers


class Cut(NamedTuple):
    """Weights as slices, those of each row in units of a power of two, and that of a sink apart.

    Attributes
    ----------
    sliced : Sliced, of arrays of shape (rows, n)
    exponent : ndarray of int64, shape (rows, 1)
        Of the units; 0 where a key weighs 1/2 or more.
    sink : pair of ndarray, shape (rows, 1), or None
        In units of 1.
    """

    sliced: Sliced
    exponent: Powers
    sink: doubles.Pair | None


def sliced(w: Weights, least: float, *, has_sink: bool = False) -> Cut:
    """The weights as slices for sums over the keys.

    A sink, which stands last, has no value. Beside a heavy one all keys weigh little, so that their
    slices are cut from numbers in units of the heaviest.
    """
    if not has_sink:
        cut = slices.sliced(w.high, slices.bits_for(w.high.shape[-1]), least, w.low)
        return Cut(cut, np.zeros((len(w.high), 1), np.int64), None)
    high, low = w.high[:, :-1], w.low[:, :-1]
    exponent = np.minimum(np.frexp(row_max(high, keepdims=True))[1].astype(np.int64), 0)
    in_units = distances.scaling(-exponent)
    cut = slices.sliced(in_units(high), slices.bits_for(high.shape[-1]), least, in_units(low))
    return Cut(cut, exponent, (w.high[:, -1:], w.low[:, -1:]))


def sums(cut: Sliced, v: Values, least: float) -> Sums:
    """`Sums` of weights as slices, those of all rows of v, in their units."""
    high, low, error = slices.product(cut, v.sliced, least, v.v.shape[-2])
    return Sums(high, low, error, np.broadcast_to(v.exponent, high.shape))


def joined(several: Sequence[Sums]) -> Sums:
    """The sums of several blocks of rows."""
    if len(several) == 1:
        return several[0]
    high, low, exponent = (
        np.concatenate(each)
        for each in zip(*((own.high, own.low, own.exponent) for own in several), strict=True)
    )
    return Sums(high, low, max(each.error for each in several), exponent)


def means(w: Weights, cut: Cut, apart: Distances, found: Sums, least: float) -> Means:
    """The sums of w v over the sum of w, by products of slices.

    Notes
    -----
    S is the sum of the weights, 1 at least, and K that of the keys alone in the units of `cut`. In
    these and in units in which |v| <= 1, a sum errs by w.error K, by the error of `slices.product`,
    and by what deep keys weigh at most. S errs by w.error S, by the same, and by 2**-103 of itself
    where a sink is added. A quotient, at most K / S, errs by the sum of the relative errors, to
    first order: the factor of 1.01 has the rest.
    """
    n = cut.sliced.slices[0].shape[-1]
    ones = Sliced([np.ones((n, 1))], cut.sliced.bits, 0.0)
    *keys, error_of_keys = slices.product(cut.sliced, ones, least, n)
    deep = np.count_nonzero(apart.deep, axis=-1, keepdims=True) * apart.heaviest
    total, own, in_units = (keys[0], keys[1]), w.error, distances.scaling(cut.exponent)
    share = np.ones(own.shape)
    if cut.sink is not None:
        total = doubles.total((in_units(keys[0]), in_units(keys[1])), cut.sink)
        share, own = keys[0] / total[0], own + 2.0**-103
    of_total = own + (in_units(np.full((1, 1), error_of_keys)) + deep) / total[0]
    deep = distances.times_power(deep, -cut.exponent)
    of_sums = w.error * share + (found.error + deep) / total[0]
    quotient = doubles.quotient((found.high, found.low), total)
    spread = 1.01 * (of_sums + share * (of_total + doubles.PRODUCT_ERROR)) + _UNDERFLOW
    z = Enclosed(
        *quotient, np.broadcast_to(spread, found.high.shape), found.exponent + cut.exponent
    )
    return Means(z, total, 1.01 * of_total)


def from_the_heaviest(
    place: tuple[NDArray[np.int64], NDArray[np.int64]],
    w: Weights,
    apart: Distances,
    v: Columns,
    found: Means,
) -> Enclosed:
    """Some means again, as the value of the heaviest key and the mean of the differences from it.

    Each difference and each product is known relative to itself, so that a mean next to that value
    has its side, and one of nothing but small weights its relative precision.

    Parameters
    ----------
    place : pair of ndarray of int64, shape (m,)
        Rows and columns of the means.

    Notes
    -----
    With g = v - v_top, a pair that is exact, A = sum of w |g| and S the sum of the weights, the sum
    of w g errs by (w.error + 2**-103) A from its terms, n 2**-100 of the largest term from what the
    slices of these leave, and n 2**-104 A from the sum of the low parts, whatever its order; with
    that of S and of the division: (w.error + S's + (n + 4) 2**-99) A / S. Deep keys add less than
    their heaviest weight times g each, and nothing on the side on which none of them lies: the
    middle of that range is added to the low part, exactly where there is nothing else.
    """
    row, _ = place
    own, exponent = columns_of(v, place, w.high.shape[-1])
    base, g, g_low = _apart(row, apart, own)
    high, low = w.high[row], w.low[row]
    term, term_low = exact_product(high, g)
    term_low += high * g_low + low * g
    n = g.shape[-1]
    total = found.total[0][row], found.total[1][row]
    mean = doubles.quotient(_sum(term, term_low), total)
    size = (1.0 + n * 2.0**-52) * np.abs(term).sum(axis=-1, keepdims=True) / total[0]
    error = 1.01 * (w.error[row] + found.total_error[row] + (n + 4) * 2.0**-99) * size
    z, z_low = two_sum(base, mean[0])
    z_low += mean[1]
    error += 2.0**-52 * np.abs(z_low)
    error += np.where(((g != 0) & apart.counted[row]).any(axis=-1, keepdims=True), _UNDERFLOW, 0.0)
    if apart.any_deep:
        deep, heaviest = np.where(apart.deep[row], g, 0.0), apart.heaviest[row]
        up, down = _at_most(np.maximum(deep, 0), heaviest), _at_most(np.maximum(-deep, 0), heaviest)
        z_low, error = z_low + (up - down) / 2, error + (up + down) / 2
    return Enclosed(z[:, 0], z_low[:, 0], error[:, 0], exponent)


def _apart(row: NDArray[np.int64], apart: Distances, own: Array) -> tuple[Array, Array, Array]:
    """The value of the heaviest key, and of each that is seen its difference from it, a pair."""
    base = np.take_along_axis(own, apart.top[row][:, None], axis=-1)
    seen = apart.counted[row] | apart.deep[row]
    g, low = two_sum(own, -base)
    return base, np.where(seen, g, 0.0), np.where(seen, low, 0.0)


def _sum(term: Array, low: Array) -> doubles.Pair:
    """The sum of pairs over the last axis: of the slices of the leading parts, exactly."""
    exponent = np.frexp(np.abs(term).max(axis=-1, keepdims=True))[1].astype(np.int64)
    bits = 52 - math.ceil(math.log2(term.shape[-1]))
    cut = slices.sliced(times_power(term, -exponent), bits, 2.0**-100)
    high = rest = np.zeros(exponent.shape)
    for each in cut.slices:
        high, error = two_sum(high, each.sum(axis=-1, keepdims=True))
        rest = rest + error
    scaled = (times_power(each, exponent) for each in (high, rest))
    first, second = scaled
    return two_sum(first, second + low.sum(axis=-1, keepdims=True))


def _at_most(g: Array, heaviest: Array) -> Array:
    """What deep keys add at most on one side; 0 only if there is none."""
    size = g.sum(axis=-1, keepdims=True)
    return np.where(size > 0, np.maximum(1.01 * heaviest * size, 2.0**-1000), 0.0)
