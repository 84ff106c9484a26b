"""Errors of whole rows taken as probability distributions; NaN for rows that are not finite."""

from __future__ import annotations

import math

import numpy as np

from softmax_harness.metrics.batch import Array, Batch


def sum_defect(batch: Batch) -> Array:
    """|sum of the row - 1|, summed exactly and rounded once, shape (rows,).

    It shows the errors of summation and division and is blind to those of exp, which stand above
    and below the line.
    """
    whole = np.asarray(np.isfinite(batch.y).all(axis=-1))
    parts = exact_parts(np.where(whole[:, None], batch.y, 0.0))
    defects = [abs(math.fsum([*row, -1.0])) for row in parts.tolist()]
    return np.where(whole, defects, np.nan)


def exact_parts(y: Array) -> Array:
    """A few numbers for each row that add up exactly to its sum, shape (rows, parts).

    Adding and subtracting 1.5 * 2**k cuts a number to multiples of 2**(k - 52); k is chosen so that
    n such multiples add up without rounding. What is cut off goes through the same again.
    """
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


def kl_divergence(batch: Batch) -> Array:
    """Sum of z log(z / y) in nats over the entries with y > 0, shape (rows,).

    Entries that underflowed are left out: they make it infinite, and have outcomes of their own.
    """
    z = batch.z
    error = batch.ulp_error * batch.truth.ulp
    used = (batch.y > 0) & (z > 0)
    if not used.all():
        z, error = np.where(used, z, 1.0), np.where(used, error, 0.0)
    error /= z
    np.maximum(error, -1.0 + 2.0**-53, out=error)
    np.log1p(error, out=error)
    error *= z
    divergence = -error.sum(axis=-1)
    whole = np.isfinite(batch.y).all(axis=-1) & np.isfinite(batch.truth.rounded).all(axis=-1)
    return np.where(whole, divergence, np.nan)


def wrongly_zero(batch: Batch) -> Array:
    """How many entries of the row are 0 though z rounds to something else, shape (rows,)."""
    lost = (batch.y == 0) & (batch.truth.rounded > 0)
    return np.asarray(lost.sum(axis=-1), dtype=float)
