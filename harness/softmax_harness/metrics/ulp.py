"""Errors of single elements, in units in the last place and in what the input's rounding does."""

from __future__ import annotations

import numpy as np

from softmax_harness.metrics.batch import Array, Batch
from softmax_harness.truth import Truth


def ulp_error(y: Array, truth: Truth) -> Array:
    """Signed error (y - z) / ulp(z) of each element; NaN where y or z is not finite.

    z is the exact real value and ulp is Goldberg's, extended to reals (Zimmermann et al.,
    "Accuracy of Mathematical Functions in Single, Double, Double Extended, and Quadruple
    Precision").
    """
    with np.errstate(all="ignore"):
        error = y - truth.rounded
        error /= truth.ulp
        error -= truth.offset
    if np.isfinite(error).all():
        return error
    return np.where(np.isfinite(y) & np.isfinite(truth.rounded), error, np.nan)


def absolute(batch: Batch) -> Array:
    """|y - z| / ulp(z), shape (rows, n)."""
    return np.abs(batch.ulp_error)


def probable(batch: Batch) -> Array:
    """The same where z >= 1/n, NaN elsewhere: the tail's errors come from rounding x - max x.

    1/n is allowed half a unit of float64 so that equal rows, whose z is 1/n, belong.
    """
    n = batch.y.shape[-1]
    return np.where(batch.z >= (1.0 - 2.0**-50) / n, np.abs(batch.ulp_error), np.nan)


def versus_input_rounding(batch: Batch) -> Array:
    """|y - z| over what half-ulp changes of the logits do to z, where z is a normal number.

    To first order, changes h_j of the logits change z_i by at most
    z_i ((1 - z_i) h_i + sum over j != i of z_j h_j), from the Jacobian z_i (delta_ij - z_j); h_j
    is half an ulp of x_j. Where that is less than half an ulp of z, half an ulp of z stands in
    its place: no output can be nearer, so no input's rounding is to blame.
    """
    truth = batch.truth
    finite = np.isfinite(batch.x)
    if finite.all():
        x, z = batch.x, batch.z
    else:
        x, z = np.where(finite, batch.x, 0.0), np.where(finite, batch.z, 0.0)
    h = truth.format.ulp(x)
    h *= 0.5
    with np.errstate(over="ignore", invalid="ignore"):
        change = z * h
        # Of the largest entry the others are summed: 1 - z would cancel.
        top = np.argmax(z, axis=-1, keepdims=True)
        of_top = np.take_along_axis(change, top, axis=-1)
        np.put_along_axis(change, top, 0.0, axis=-1)
        others = change.sum(axis=-1, keepdims=True)
        change *= -2.0
        change += h
        change += others + of_top
        rest = z.copy()
        np.put_along_axis(rest, top, 0.0, axis=-1)
        at_top = rest.sum(axis=-1, keepdims=True) * np.take_along_axis(h, top, axis=-1)
        np.put_along_axis(change, top, at_top + others, axis=-1)
        change *= z
        change /= truth.ulp
        np.maximum(change, 0.5, out=change)
        np.divide(np.abs(batch.ulp_error), change, out=change)
    change[~(finite & (z >= truth.format.smallest_normal))] = np.nan
    return change
