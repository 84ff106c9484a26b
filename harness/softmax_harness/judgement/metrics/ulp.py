"""Errors of single elements, in units in the last place and in what the input's rounding does."""

from __future__ import annotations

import numpy as np

from softmax_harness.judgement.metrics.batch import Array, Batch, Whole
from softmax_harness.judgement.metrics.suspects import Reach, Rows
from softmax_harness.operations import is_tolerant
from softmax_harness.truth import Truth


def ulp_error(y: Array, truth: Truth) -> Array:
    """Signed error (y - z) / ulp(z) of each element; NaN where y is not finite, or may be several.

    z is the exact real value and ulp is Goldberg's, extended to reals (Zimmermann et al.,
    "Accuracy of Mathematical Functions in Single, Double, Double Extended, and Quadruple
    Precision").
    """
    with np.errstate(all="ignore"):
        error = y - truth.rounded
        error /= truth.ulp
        error -= truth.offset
    if truth.fixed.any():  # from one of several nothing is far
        error[truth.fixed & is_tolerant(truth.rounded)] = np.nan
    finite = np.isfinite(error)
    if finite.all():
        return error
    rows = np.flatnonzero(~finite.all(axis=-1))
    own, some = y[rows], truth.rows(rows)
    with np.errstate(all="ignore"):
        again = (own - some.nearest) / some.ulp - some.offset
    is_open = some.fixed & is_tolerant(some.rounded)
    has_error = np.isfinite(own) & np.isfinite(some.nearest) & ~is_open
    error[rows] = np.where(has_error, again, np.nan)
    return error


def absolute(batch: Batch) -> Array:
    """|y - z| / ulp(z), shape (rows, n)."""
    return batch.absolute


def largest(batch: Batch) -> Array:
    """The largest error of each row, shape (rows,)."""
    return batch.largest


# z is at least this much of 1/n where it is probable: half a unit of float64 is allowed so that
# equal rows, whose z is 1/n, belong.
_PROBABLE = 1.0 - 2.0**-50


def probable(batch: Batch) -> Array:
    """The same where z >= 1/n, NaN elsewhere: the tail's errors come from rounding x - max x."""
    return np.where(batch.z >= _PROBABLE / batch.n, batch.absolute, np.nan)


def probable_at_most(batch: Batch) -> Array:
    """The largest error of each row where RN(z) allows z >= 1/n, shape (rows,).

    RN(z) >= z - max(u z, eta / 2), with u the unit roundoff and eta the smallest subnormal.
    """
    format = batch.truth.format
    least = (1.0 - 2.0 * format.unit_roundoff) * _PROBABLE / batch.n
    with np.errstate(invalid="ignore"):  # infinity times 0
        masked = batch.absolute * (batch.truth.rounded >= least - format.smallest_subnormal)
    return np.asarray(masked.max(axis=-1))


def versus_input_rounding(batch: Batch) -> Array:
    """|y - z| over what half-ulp changes of the logits do to z, where z is a normal number.

    To first order, changes h_j of the logits change z_i by at most
    z_i ((1 - z_i) h_i + sum over j != i of z_j h_j), from the Jacobian z_i (delta_ij - z_j); h_j
    is half an ulp of x_j. Where that is less than half an ulp of z, half an ulp of z stands in
    its place: no output can be nearer, so no input's rounding is to blame.
    """
    truth = batch.truth
    if batch.input_sensitivity is not None:
        with np.errstate(over="ignore", invalid="ignore"):
            return np.asarray(batch.absolute / np.fmax(batch.input_sensitivity / truth.ulp, 0.5))
    finite = np.isfinite(batch.x)
    if finite.all():
        x, z = batch.x, batch.z
    else:
        x, z = np.where(finite, batch.x, 0.0), np.where(finite, batch.z, 0.0)
    h = batch.input_format.ulp(x)
    h *= 0.5
    with np.errstate(over="ignore", invalid="ignore"):
        change = _moved(x, z, h) if batch.whole is None else _moved_in(batch.whole, x, z, h)
        change *= z
        change /= truth.ulp
        np.maximum(change, 0.5, out=change)
        np.divide(batch.absolute, change, out=change)
    change[~(finite & (z >= truth.format.smallest_normal))] = np.nan
    return change


def _moved(x: Array, z: Array, h: Array) -> Array:
    """(1 - z_i) h_i + sum over j != i of z_j h_j."""
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
    return change


def _moved_in(row: Whole, x: Array, z: Array, h: Array) -> Array:
    """The same of a slice of a row."""
    largest = x == row.top
    change = np.where(largest, row.others * h, (1.0 - 2.0 * z) * h)
    change += row.moved_by_others
    change += np.where(largest, 0.0, (1.0 - row.others) * row.half_ulp_of_top)
    return change


@np.errstate(over="ignore", invalid="ignore")  # masked inputs, errors without measure
def versus_input_rounding_suspects(batch: Batch, reach: Reach) -> Rows:
    """The rows in which `versus_input_rounding` may reach what it is in a likely one.

    With H = sum of z_j h_j, the change of z_i is z_i ((1 - 2 z_i) h_i + H), so at least z_i H and
    2**(p-1) H ulp(z_i), where z_i <= 1/2 is a normal number; the one z_i > 1/2 that a row may have
    is held against half an ulp alone. So an element is suspected if its error reaches what is to
    be reached times the larger of 1/2 and 2**(p-1) H, and its row is if it reaches that times its
    own change. RN(z), within u z of z, stands for z: for that and all rounding 4u + 2**-30 is
    taken off.
    """
    if batch.input_sensitivity is not None:  # which is known of each element
        return np.arange(len(batch.y))
    u, own = batch.truth.format.unit_roundoff, batch.input_format
    rounded, absolute = batch.truth.rounded, batch.absolute
    part = 1.0 - 4.0 * u - 2.0**-30
    # h is u binade(x) of the inputs' format.
    if batch.whole is None:
        mean = np.einsum("ij,ij->i", rounded, own.binade(batch.x)) * own.unit_roundoff
    else:
        mean = np.array([batch.whole.moved])
    mean *= part
    change = np.maximum(mean / (2.0 * u), 0.5)
    likely = np.where(batch.plain, batch.largest / change, -np.inf)
    least = reach(np.array([likely.argmax()]))
    if not least > 0.0:
        return np.arange(len(rounded))
    suspected = ~batch.plain
    n, absolute = rounded.shape[-1], absolute.ravel()
    place = np.flatnonzero(absolute.reshape(-1, n) >= (least * change)[:, None])
    row, z, error = place // n, rounded.ravel().take(place), absolute.take(place)
    h = own.unit_roundoff * own.binade(batch.x.ravel().take(place))
    moved = (1.0 - 2.0 * z) * h + mean.take(row)
    moved *= part * z / batch.truth.ulp.ravel().take(place)
    suspected[row[error >= least * np.maximum(moved, 0.5)]] = True
    place = np.flatnonzero(rounded >= 0.5)
    suspected[place[absolute.take(place) >= 0.5 * least] // n] = True
    return np.flatnonzero(suspected)
