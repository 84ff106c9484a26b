"""Tallies of judged blocks; two tallies add, and memory does not grow with the data."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from softmax_harness.judgement.metrics import METRICS, Batch, Metric, least_near
from softmax_harness.judgement.metrics.suspects import Rows
from softmax_harness.judgement.outcomes import OUTCOMES

Array = NDArray[np.float64]

# Errors fall into bins of 1/64 binade, from 2**-40 (smaller ones, 0 included, are in the first) to
# 2**80. A bin is read off the highest bits of the float64.
HISTOGRAM_FLOOR = -40
BINS_PER_BINADE = 64
HISTOGRAM_BINS = 120 * BINS_PER_BINADE
_BIN_SHIFT = 52 - 6
_FIRST_BIN = (HISTOGRAM_FLOOR + 1023) * BINS_PER_BINADE

# The percentile is exact as long as the largest hundredth of the errors has no more than these; of
# more none are kept.
_MOST_KEPT = 1 << 15
_MOST_CANDIDATES = 64
_UNIT = 2.0**64  # of sums of errors


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
        Sums of the absolute errors and of the errors, in units of 2**64 ulp: a sum of the largest
        errors is beyond float64, though their mean is not.
    largest : ndarray of float64
        The largest hundredth of the absolute errors, from which the percentile is read; none
        where there are more than `_MOST_KEPT` of them.
    candidates : dict of str to tuple of Extreme
        Of the metrics that are maxima: the rows whose value is the largest or near it, in order,
        see `softmax_harness.judgement.metrics.least_near`.
    sums : dict of str to float
        The sums of the metrics that are sums.
    histogram : ndarray of int64
        Elements by absolute error in ulp, see `HISTOGRAM_FLOOR`.
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
    candidates: dict[str, tuple[Extreme, ...]]
    sums: dict[str, float]
    histogram: NDArray[np.int64]
    bound_ulp: float

    @np.errstate(over="ignore", invalid="ignore", divide="ignore")  # results may be anything
    def add(self, other: Tally, keep: int) -> Tally:
        """This tally and `other`, whose rows come after; `keep` as in `tally`."""
        moved = {
            name: tuple(replace(each, row=each.row + self.rows) for each in extremes)
            for name, extremes in other.candidates.items()
        }
        both = {
            m: (*self.candidates.get(m.name, ()), *moved.get(m.name, ()))
            for m in METRICS
            if m.combine == "max"
        }
        candidates = {m.name: _nearest(each, m.blur) for m, each in both.items() if each}
        return Tally(
            self.elements + other.elements,
            self.rows + other.rows,
            self.outcomes + other.outcomes,
            self.measured + other.measured,
            self.sum_absolute + other.sum_absolute,
            self.sum_signed + other.sum_signed,
            _joined(self.largest, other.largest, keep),
            candidates,
            {name: value + other.sums[name] for name, value in self.sums.items()},
            self.histogram + other.histogram,
            float(np.fmax(self.bound_ulp, other.bound_ulp)),
        )

    def kept_of(self, rows: int) -> int:
        """`kept_for_percentile` of the results of so many rows."""
        return kept_for_percentile(rows * (self.elements // max(self.rows, 1)))

    @property
    def extremes(self) -> dict[str, Extreme]:
        """The largest of each metric's candidates, the first of equals."""
        return {
            name: max(each, key=lambda extreme: extreme.value)
            for name, each in self.candidates.items()
        }

    @property
    def so_far(self) -> dict[str, float]:
        """The largest value of each metric that is a maximum, as `tally` takes it."""
        return {name: extreme.value for name, extreme in self.extremes.items()}

    @property
    def mean_ulp(self) -> float:
        """The mean of the absolute errors, NaN of none."""
        return self.sum_absolute / self.measured * _UNIT if self.measured else math.nan

    @property
    def bias_ulp(self) -> float:
        """The mean of the errors, NaN of none."""
        return self.sum_signed / self.measured * _UNIT if self.measured else math.nan

    @property
    def p99_ulp(self) -> float:
        """The 99th percentile of the absolute errors, interpolated as `numpy.percentile` does.

        Over more than some three million errors it comes from the histogram, to 1/64 binade.
        """
        if not self.measured:
            return math.nan
        place = 0.99 * (self.measured - 1)
        below = math.floor(place)
        if self.measured - 1 - below >= self.largest.size:
            return self._from_histogram(below)
        from_top = np.sort(self.largest)[::-1]
        low, high = from_top[self.measured - 1 - below], from_top[max(self.measured - 2 - below, 0)]
        share = place - below
        # Two infinities have no difference, and no share of one is finite.
        return float(low if low == high or not share else low + (high - low) * share)

    def _from_histogram(self, rank: int) -> float:
        """The middle of the bin in which the error of that rank, counted from 0, lies."""
        bin_ = int(np.searchsorted(np.cumsum(self.histogram), rank, side="right"))
        middle = float(bin_edges()[bin_ : bin_ + 2].mean())
        return float(np.fmin(middle, self._largest_of_all))

    @property
    def _largest_of_all(self) -> float:
        """The largest error, as far as it is kept."""
        found = self.extremes.get("max_ulp")
        return math.nan if found is None else found.value


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


@np.errstate(over="ignore", invalid="ignore", divide="ignore")  # results may be anything
def row_tallies(batch: Batch, codes: NDArray[np.int8], bound: Array) -> RowTallies:
    """The tallies of each row of one batch; parameters as of `tally`."""
    counts = np.stack([(codes == code).sum(axis=-1) for code in range(len(OUTCOMES))], axis=-1)
    errors = np.abs(batch.ulp_error)
    return RowTallies(counts, _row_maxima(errors), _row_maxima(bound))


def _row_maxima(values: Array) -> Array:
    return np.asarray(np.fmax.reduce(values, axis=-1))


def kept_for_percentile(elements: int) -> int:
    """How many of the largest errors decide the 99th percentile of up to `elements` errors."""
    kept = elements // 100 + 3
    return kept if kept <= _MOST_KEPT else 0


@np.errstate(over="ignore", invalid="ignore", divide="ignore")  # results may be anything
def tally(
    batch: Batch,
    codes: NDArray[np.int8],
    bound: Array,
    keep: int,
    so_far: Mapping[str, float] = MappingProxyType({}),
    metrics: Sequence[Metric] = METRICS,
) -> Tally:
    """The tally of one batch.

    Parameters
    ----------
    codes : ndarray of int8, shape (rows, n)
        The outcome of each element.
    bound : ndarray of float64, shape (rows, n) or (rows, 1)
        The bound of its theorem in ulp, NaN where there is none.
    keep : int
        `kept_for_percentile` of all elements that will be added up.
    so_far : mapping of str to float
        Of metrics that are maxima: the largest value in rows that come before these and will be
        added up with them. Candidates that such a value rules out may be left out.
    metrics : sequence of Metric
        What is measured.
    """
    signed, absolute = batch.ulp_error.ravel(), batch.absolute.ravel()
    if np.isnan(batch.largest).any():
        measured = ~np.isnan(absolute)
        signed, absolute = signed[measured], absolute[measured]
    candidates: dict[str, tuple[Extreme, ...]] = {}
    sums: dict[str, float] = {}
    for metric in metrics:
        rows, values = metric.deciding(batch, so_far.get(metric.name, -math.inf))
        if metric.combine == "sum":
            sums[metric.name] = float(np.nansum(values))
        elif found := _candidates(values, rows, metric.blur):
            candidates[metric.name] = found
    return Tally(
        elements=batch.y.size,
        rows=len(batch.y),
        outcomes=_outcome_counts(codes),
        measured=absolute.size,
        sum_absolute=_sum(absolute),
        sum_signed=_sum(signed),
        largest=_largest(absolute, keep),
        candidates=candidates,
        sums=sums,
        histogram=_histogram(absolute),
        bound_ulp=float(np.nanmax(bound)) if not np.isnan(bound).all() else math.nan,
    )


def _sum(values: Array) -> float:
    """Their sum in units of 2**64."""
    total = values.sum()
    return float(total / _UNIT if np.isfinite(total) else (values / _UNIT).sum())


def _outcome_counts(codes: NDArray[np.int8]) -> NDArray[np.int64]:
    """How many elements have each code; of the first two alone NumPy counts faster."""
    if codes.max() > 1:
        return np.bincount(codes.ravel(), minlength=len(OUTCOMES))
    counts = np.zeros(len(OUTCOMES), np.int64)
    counts[1] = np.count_nonzero(codes)
    counts[0] = codes.size - counts[1]
    return counts


def _candidates(values: Array, rows: Rows, blur: float | None) -> tuple[Extreme, ...]:
    """Those near the largest of `values`, shape (rows,) or (rows, n), in `rows`; NaN left out."""
    by_row = values if values.ndim == 1 else _row_maxima(values)
    if np.isnan(by_row).all():  # or there is none
        return ()
    near = np.flatnonzero(by_row >= least_near(float(np.nanmax(by_row)), blur))
    near = near[: 1 if blur is None else _MOST_CANDIDATES]
    return tuple(
        Extreme(float(by_row[each]), int(rows[each]), _place(values[each], by_row[each]))
        for each in near.tolist()
    )


def _place(values: Array, largest: Array) -> int:
    """Where the largest of a row stands, the first of equals; 0 where the row has one value."""
    return int((values == largest).argmax()) if values.ndim else 0


def _nearest(extremes: tuple[Extreme, ...], blur: float | None) -> tuple[Extreme, ...]:
    """Those near the largest."""
    least = least_near(max(each.value for each in extremes), blur)
    near = tuple(each for each in extremes if each.value >= least)
    return near[: 1 if blur is None else _MOST_CANDIDATES]


def _joined(first: Array, second: Array, keep: int) -> Array:
    """The largest of both; what is below the least of a full first set need not be looked at."""
    if 0 < keep <= first.size:
        second = second[second > first.min()]
    return _largest(np.concatenate([first, second]), keep)


def _largest(values: Array, keep: int) -> Array:
    if not 0 < keep < values.size:
        return values[:keep]
    return np.partition(values, values.size - keep)[-keep:]


def _histogram(absolute: Array) -> NDArray[np.int64]:
    bins = np.ascontiguousarray(absolute).view(np.int64) >> _BIN_SHIFT
    bins -= _FIRST_BIN
    if bins.size and (bins.min() < 0 or bins.max() >= HISTOGRAM_BINS):
        np.clip(bins, 0, HISTOGRAM_BINS - 1, out=bins)
    return np.bincount(bins, minlength=HISTOGRAM_BINS)


def bin_edges() -> Array:
    """The errors at which the bins of a histogram begin, and where the last one ends."""
    bits = np.arange(HISTOGRAM_BINS + 1, dtype=np.int64) + _FIRST_BIN
    return (bits << _BIN_SHIFT).view(np.float64)
