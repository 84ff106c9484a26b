"""Errors of whole rows taken as probability distributions; NaN for rows that are not finite."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from softmax_harness.judgement.metrics.batch import Array, Batch

_PIECE = 1 << 16


def sum_defect(batch: Batch) -> Array:
    """|sum of the row - 1|, summed exactly and rounded once, shape (rows,).

    It shows the errors of summation and division and is blind to those of exp, which stand above
    and below the line.
    """
    whole = np.asarray(np.isfinite(batch.y).all(axis=-1))
    parts = exact_parts(batch.y if whole.all() else np.where(whole[:, None], batch.y, 0.0))
    defects = [abs(exact_sum([*row, -1.0])) for row in parts.tolist()]
    return np.where(whole, defects, np.nan)


def exact_sum(values: Sequence[float]) -> float:
    """The sum of finite numbers, rounded once; infinite where it is beyond float64."""
    try:
        return math.fsum(values)
    except OverflowError:  # of an intermediate sum, too
        total = sum(map(Fraction, values), Fraction(0))
        try:
            return float(total)
        except OverflowError:
            return math.inf if total > 0 else -math.inf


def sum_defect_at_most(batch: Batch) -> Array:
    """What `sum_defect` does not exceed in usual rows, infinity elsewhere, shape (rows,)."""
    with np.errstate(invalid="ignore"):
        defect = np.abs(batch.excess) * (1.0 + 2.0**-49) + batch.excess_error
    return np.where(batch.usual, defect, np.inf)


def exact_parts(y: Array) -> Array:
    """A few numbers for each row that add up exactly to its sum, shape (rows, parts).

    Adding and subtracting 1.5 * 2**k cuts a number to multiples of 2**(k - 52); k is chosen so that
    n such multiples add up without rounding. What is cut off goes through the same again. Long
    rows are taken in pieces, whose temporaries stay in a cache.
    """
    if y.shape[-1] > _PIECE:
        pieces = [y[:, start : start + _PIECE] for start in range(0, y.shape[-1], _PIECE)]
        return np.concatenate([exact_parts(each) for each in pieces], axis=-1)
    left, parts = y, list[Array]()
    bits = y.shape[-1].bit_length() + 1
    largest = np.abs(y).max(initial=0.0)
    while largest > 0.0:
        exponent = math.frexp(largest)[1] + bits
        if exponent > 1022 or exponent < -1020:  # the grid itself has no place in a float64
            return np.concatenate([*parts, left], axis=-1)
        grid = math.ldexp(1.5, exponent)
        cut = (left + grid) - grid
        parts.append(cut.sum(axis=-1, keepdims=True))
        left = left - cut
        largest = np.abs(left).max()
    return np.concatenate(parts, axis=-1) if parts else np.zeros((len(y), 1))


def total_variation(batch: Batch) -> Array:
    """Half the sum of |y - z| over the row, shape (rows,)."""
    with np.errstate(invalid="ignore"):
        return np.asarray((np.abs(batch.ulp_error) * batch.truth.ulp).sum(axis=-1) / 2)


def total_variation_at_most(batch: Batch) -> Array:
    """The same, summed in another order: n roundings either way, and what underflows."""
    with np.errstate(invalid="ignore"):
        half = np.einsum("ij,ij->i", batch.absolute, batch.truth.ulp) / 2
    return np.asarray(half * (1.0 + (batch.y.shape[-1] + 2) * 2.0**-51) + 2.0**-1000)


def kl_divergence(batch: Batch) -> Array:
    """Sum of z log(z / y) in nats over the entries with y > 0, shape (rows,).

    Entries that underflowed are left out: they make it infinite, and have outcomes of their own.
    """
    z = batch.z
    error = batch.ulp_error * batch.truth.ulp
    used = (batch.y > 0) & (z > 0)
    if not used.all():
        z, error = np.where(used, z, 1.0), np.where(used, error, 0.0)
    with np.errstate(over="ignore"):  # an output of 1e300 where z is next to nothing
        error /= z
    np.maximum(error, -1.0 + 2.0**-53, out=error)
    np.log1p(error, out=error)
    error *= z
    divergence = -error.sum(axis=-1)
    whole = np.isfinite(batch.y).all(axis=-1) & np.isfinite(batch.truth.rounded).all(axis=-1)
    return np.where(whole, divergence, np.nan)


def kl_divergence_at_most(batch: Batch) -> Array:
    """What `kl_divergence` does not exceed in plain rows, infinity elsewhere, shape (rows,).

    With d_i = (y_i - z_i)/z_i, at most D <= 2u times the row's largest error, and D <= 1/4: it is
    the sum of -z_i log(1 + d_i), and -log(1 + d) <= -d + d**2 / (2 (1 - D)), where -z_i d_i add up
    to 1 - sum of y. Besides, the screen's error moves each d_i by 2**-36 2u at most, and the
    formula rounds by (n + 8) 2**-52 D.
    """
    u, n = batch.truth.format.unit_roundoff, batch.y.shape[-1]
    known = batch.plain & (batch.largest <= 0.125 / u)
    d = 2.0 * u * np.where(known, batch.largest, 0.0)
    rounding = batch.excess_error + 2.0**-34 * u + (n + 8) * 2.0**-52 * d
    bound = d * d / (2.0 * (1.0 - d)) + rounding + np.abs(batch.excess) * 2.0**-49 - batch.excess
    return np.where(known, bound, np.inf)


def zeros_possible(batch: Batch) -> NDArray[np.bool_]:
    """The rows in which an output may be 0, shape (rows,)."""
    return ~batch.usual


def wrongly_zero(batch: Batch) -> Array:
    """How many entries of the row are 0 though z rounds to something else, shape (rows,)."""
    lost = (batch.y == 0) & (batch.truth.rounded > 0)
    return np.asarray(lost.sum(axis=-1), dtype=float)
