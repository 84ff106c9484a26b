"""Tallies of judged blocks; two tallies add, and memory does not grow with the data."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from softmax_harness.metrics import METRICS, Batch
from softmax_harness.outcomes import OUTCOMES

Array = NDArray[np.float64]

HISTOGRAM_FLOOR = -40  # log2 of the error; smaller ones, 0 included, are in the first bin
HISTOGRAM_BINS = 241  # half a binade each, so that the last begins at 2**80


@dataclass(frozen=True)
class Extreme:
    """A largest value and the row and index at which it stands."""

    value: float
    row: int
    index: int


@dataclass(frozen=True)
class Tally:
    """Sums, maxima and counts over rows that were judged.

    Attributes
    ----------
    elements, rows : int
        How many were judged.
    outcomes : ndarray of int64, shape (11,)
        How many elements had each outcome, in the order of `OUTCOMES`.
    measured : int
        Elements that have an error in ulp: those with a finite result and a finite truth.
    sum_absolute, sum_signed : float
        Sums of the errors in ulp, and of their absolute values.
    largest : ndarray of float64
        The largest hundredth of the absolute errors, from which the percentile is read.
    extremes : dict of str to Extreme
        The maxima of the metrics that are maxima.
    sums : dict of str to float
        The sums of the metrics that are sums.
    histogram : ndarray of int64
        Elements by log2 of the absolute error in ulp, half a binade each.
    bound_ulp : float
        Largest bound of its theorem over the elements; NaN where there is none.
    """

    elements: int
    rows: int
    outcomes: NDArray[np.int64]
    measured: int
    sum_absolute: float
    sum_signed: float
    largest: Array
    extremes: dict[str, Extreme]
    sums: dict[str, float]
    histogram: NDArray[np.int64]
    bound_ulp: float

    def add(self, other: Tally, keep: int) -> Tally:
        """This tally and `other`, whose rows come after; `keep` as in `tally`."""
        moved = {
            name: Extreme(each.value, each.row + self.rows, each.index)
            for name, each in other.extremes.items()
        }
        extremes = dict(self.extremes)
        for name, each in moved.items():
            if name not in extremes or each.value > extremes[name].value:
                extremes[name] = each
        return Tally(
            self.elements + other.elements,
            self.rows + other.rows,
            self.outcomes + other.outcomes,
            self.measured + other.measured,
            self.sum_absolute + other.sum_absolute,
            self.sum_signed + other.sum_signed,
            _largest(np.concatenate([self.largest, other.largest]), keep),
            extremes,
            {name: value + other.sums[name] for name, value in self.sums.items()},
            self.histogram + other.histogram,
            float(np.fmax(self.bound_ulp, other.bound_ulp)),
        )

    @property
    def p99_ulp(self) -> float:
        """The 99th percentile of the absolute errors, interpolated as `numpy.percentile` does."""
        if not self.measured:
            return math.nan
        place = 0.99 * (self.measured - 1)
        below = math.floor(place)
        from_top = np.sort(self.largest)[::-1]
        low, high = from_top[self.measured - 1 - below], from_top[max(self.measured - 2 - below, 0)]
        return float(low + (high - low) * (place - below))


@dataclass(frozen=True)
class RowTallies:
    """What is kept of every single row, for the families that map a plane.

    Attributes
    ----------
    outcomes : ndarray of int64, shape (rows, 11)
        How many elements of the row had each outcome, in the order of `OUTCOMES`.
    max_ulp, bound_ulp : ndarray of float64, shape (rows,)
        Largest error and largest bound of its theorem in the row; NaN where there is none.
    """

    outcomes: NDArray[np.int64]
    max_ulp: Array
    bound_ulp: Array

    def add(self, other: RowTallies) -> RowTallies:
        """These rows and those of `other` after them."""
        return RowTallies(
            np.concatenate([self.outcomes, other.outcomes]),
            np.concatenate([self.max_ulp, other.max_ulp]),
            np.concatenate([self.bound_ulp, other.bound_ulp]),
        )


def row_tallies(batch: Batch, codes: NDArray[np.int8], bound: Array) -> RowTallies:
    """The tallies of each row of one batch; parameters as of `tally`."""
    counts = np.stack([(codes == code).sum(axis=-1) for code in range(len(OUTCOMES))], axis=-1)
    errors = np.abs(batch.ulp_error)
    return RowTallies(counts, _row_maxima(errors), _row_maxima(bound))


def _row_maxima(values: Array) -> Array:
    return np.asarray(np.fmax.reduce(values, axis=-1))


def kept_for_percentile(elements: int) -> int:
    """How many of the largest errors decide the 99th percentile of up to `elements` errors."""
    return elements // 100 + 3


def tally(batch: Batch, codes: NDArray[np.int8], bound: Array, keep: int) -> Tally:
    """The tally of one batch.

    Parameters
    ----------
    codes : ndarray of int8, shape (rows, n)
        The outcome of each element.
    bound : ndarray of float64, shape (rows, n)
        The bound of its theorem in ulp, NaN where there is none.
    keep : int
        `kept_for_percentile` of all elements that will be added up.
    """
    known = batch.ulp_error[~np.isnan(batch.ulp_error)]
    absolute = np.abs(known)
    values = {metric: metric.of(batch) for metric in METRICS}
    found = {metric.name: _extreme(values[metric]) for metric in METRICS if metric.combine == "max"}
    return Tally(
        elements=batch.y.size,
        rows=len(batch.y),
        outcomes=np.bincount(codes.ravel(), minlength=len(OUTCOMES)),
        measured=known.size,
        sum_absolute=float(absolute.sum()),
        sum_signed=float(known.sum()),
        largest=_largest(absolute, keep),
        extremes={name: extreme for name, extreme in found.items() if extreme is not None},
        sums={m.name: float(np.nansum(values[m])) for m in METRICS if m.combine == "sum"},
        histogram=_histogram(absolute),
        bound_ulp=float(np.nanmax(bound)) if not np.isnan(bound).all() else math.nan,
    )


def _extreme(values: Array) -> Extreme | None:
    """The first largest of `values`, shape (rows,) or (rows, n); None where all are NaN."""
    if np.isnan(values).all():
        return None
    place = np.unravel_index(int(np.nanargmax(values)), values.shape)
    index = int(place[1]) if values.ndim == 2 else 0
    return Extreme(float(values[place]), int(place[0]), index)


def _largest(values: Array, keep: int) -> Array:
    return values if values.size <= keep else np.partition(values, values.size - keep)[-keep:]


def _histogram(absolute: Array) -> NDArray[np.int64]:
    with np.errstate(divide="ignore"):
        position = np.floor(2.0 * (np.log2(absolute) - HISTOGRAM_FLOOR))
    bins = np.clip(position, 0, HISTOGRAM_BINS - 1).astype(np.int64)
    return np.bincount(bins, minlength=HISTOGRAM_BINS)
