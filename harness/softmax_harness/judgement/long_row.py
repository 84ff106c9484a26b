"""One long row, judged slice by slice: what it takes does not grow with the row.

Of 24 bits and fewer 8 bytes for each element are kept, to sort them; of float64 too, but where
outputs lie so near each other that their order has to be looked at, six times as much.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax_harness.judgement.aggregate import Extreme, Tally, tally
from softmax_harness.judgement.maxima import confirmed_elements
from softmax_harness.judgement.measure import classified
from softmax_harness.judgement.metrics import METRICS, Batch, Whole, order, rows
from softmax_harness.judgement.outcomes import OUTCOMES, overflowed, replayed, rounded_sum
from softmax_harness.judgement.question import Question
from softmax_harness.operations import Problem
from softmax_harness.operations.long_sums import columns
from softmax_harness.operations.screen.batch import LONGEST_ROW, kernels_of
from softmax_harness.operations.screen.long import SummedRow, pieces
from softmax_harness.truth import ExactResults, LongRow, Truth
from softmax_harness.truth.digits import digits_of

Array = NDArray[np.float64]
SLICE = 1 << 17
"""So many elements are judged at once."""

_LONGEST_WHOLE = 1 << 18

_NO_BOUND = np.full((1, 1), np.nan)


@dataclass
class RowSums:
    """What a row adds up to, from slices that come in order."""

    total_variation: float = 0.0
    kl_divergence: float = 0.0
    parts: list[float] = field(default_factory=list)
    is_due: bool = False
    is_finite: bool = True
    largest_y: float = -np.inf
    x_there: float = np.nan

    def add(self, batch: Batch) -> None:
        """Take a slice in."""
        self.total_variation += float(rows.total_variation(batch)[0])
        self.kl_divergence += float(rows.kl_divergence(batch)[0])
        self.is_due |= bool((batch.truth.rounded != 0.0).any())
        if self.is_finite and np.isfinite(batch.y).all():
            self.parts += rows.exact_parts(batch.y)[0].tolist()
        else:
            self.is_finite = False
        place = int(batch.y[0].argmax())  # of a NaN, if there is one
        if not batch.y[0, place] <= self.largest_y and not np.isnan(self.largest_y):
            self.largest_y, self.x_there = float(batch.y[0, place]), float(batch.x[0, place])

    def maxima(self) -> dict[str, float]:
        """Of the metrics that are a number of the row."""
        whole = self.is_finite and self.is_due
        defect = abs(rows.exact_sum([*self.parts, -1.0])) if whole else np.nan
        return {
            "sum_defect": defect,
            "total_variation": self.total_variation,
            "kl_divergence": self.kl_divergence,
        }

    def flips(self, top: float) -> float:
        """`softmax_harness.judgement.metrics.order.argmax_flips` of the row."""
        return float(self.x_there < top) if not np.isnan(self.largest_y) else 0.0


class SlicedRow:
    """A row of softmax with its outputs.

    Parameters
    ----------
    problem : Problem
        Of an operation that has `Operation.error_bound_of_slice`.
    standard : str
        Of accuracy.
    x, y : ndarray, shape (1, n)
        Logits without NaN or +inf, one of them finite; computed outputs. Both are read slice by
        slice, and may be of any format.
    let_go : callable
        Called after each slice, so that what was read of files does not stay in memory.
    at_most : float or None
        As in `softmax_harness.judgement.question.Question`.
    """

    def __init__(
        self,
        problem: Problem,
        standard: str,
        x: NDArray[Any],
        y: NDArray[Any],
        let_go: Callable[[], None] = lambda: None,
        at_most: float | None = None,
    ) -> None:
        assert problem.operation.error_bound_of_slice is not None
        self.x, self.y, self.n, self.problem = x, y, x.shape[-1], problem
        self._let_go = let_go
        self.known = LongRow(problem.operation, x[0], let_go)
        rest = self.known.rest
        bound = problem.operation.error_bound_of_slice(rest.top, self.n)
        self._sliced = replace(problem, operation=replace(problem.operation, error_bound=bound))
        self._standard, self._at_most = standard, at_most
        kernel = kernels_of(problem.output_format)[-1]
        is_far = SummedRow.is_beyond(rest.top, rest.bottom)
        self._screen = SummedRow(kernel, rest.top, is_far, columns(rest, is_far))
        self._error_ulp = kernel.RELATIVE_ERROR * 2.0**problem.output_format.precision

    @staticmethod
    def takes(problem: Problem, x: NDArray[Any]) -> bool:
        """Whether logits, shape (rows, n), are one row that can be judged so."""
        n = x.shape[-1]
        can = problem.operation.error_bound_of_slice is not None
        if not can or len(x) != 1 or not _LONGEST_WHOLE < n <= LONGEST_ROW:
            return False
        highest = max(float(x[0, each].max()) for each in slices(n))  # NaN, if there is one
        return bool(np.isfinite(highest))

    def slice_of(self, place: slice) -> tuple[Question, Array]:
        """The question of a slice, and its outputs."""
        x, y = (each[:, place].astype(np.float64, copy=False) for each in (self.x, self.y))
        self._let_go()
        confirmed = np.ones(1, bool)  # there is no row to confirm here
        found = ExactResults(self._truth(x), confirmed, self._error_ulp)
        standard, at_most = self._standard, self._at_most
        return Question(self._sliced, x, x, found, (), standard, self.whole, at_most), y

    def confirmed(self, found: dict[str, list[Extreme]]) -> dict[str, list[Extreme]]:
        """`softmax_harness.judgement.maxima.confirmed_elements` of the row."""

        def at(places: NDArray[np.int64]) -> tuple[Array, Truth]:
            x, y = (each[:, places].astype(np.float64) for each in (self.x, self.y))
            return y, self._truth(x)

        return confirmed_elements(self.known, self.n, at, self._error_ulp, found)

    def inversions(self, largest: float) -> int:
        """`softmax_harness.judgement.metrics.order.inversions_of_row` of the row."""
        format = self.problem.output_format
        return order.inversions_of_row(self.x[0], self.y[0], largest, format, self._let_go)

    def exact_digits(self, index: int) -> str:
        """`softmax_harness.truth.digits.exact_digits` of an element."""
        x = self.x[0, [index]].astype(np.float64)
        return digits_of(self.known.enclosures(x, 128)[0]) if np.isfinite(x[0]) else "0.0"

    def _truth(self, x: Array) -> Truth:
        """The exact results of some of the row's logits, shape (1, some)."""
        format, fixed = self.problem.judged_format, x == -np.inf
        here = Truth(format, np.empty(x.shape), np.empty(x.shape), np.empty(x.shape), fixed)
        if self.known.rest.bottom == self.known.rest.top:
            open_ = np.flatnonzero(~fixed)
        else:
            parts = [
                piece.start + self._screen.screen(x[:, piece], here.columns(piece))
                for piece in pieces(x.shape[-1])
            ]
            open_ = np.concatenate(parts)
        if open_.size:
            found = self.known.results(x[0, open_], format)
            for array, own in zip((here.rounded, here.offset, here.ulp), found, strict=True):
                array[0, open_] = own
        if fixed.any():
            here.rounded[fixed] = here.offset[fixed] = 0.0
            here.ulp[fixed] = format.smallest_subnormal
        return here

    @cached_property
    def whole(self) -> Whole:
        """What the slices are judged by besides themselves."""
        rest, format = self.known.rest, self.problem.input_format
        moved = others = 0.0
        for place in slices(self.n):
            x = self.x[:, place].astype(np.float64, copy=False)
            self._let_go()
            e = np.exp(x - rest.top)
            others += float(e.sum())
            moved += float((e * np.where(np.isfinite(x), format.ulp(x), 0.0)).sum()) / 2
        half_ulp = float(format.ulp(np.array([rest.top]))[0]) / 2
        total = rest.denominator(53)
        s = float(total.man) * 2.0**total.exp
        return Whole(
            self.n,
            rest.top,
            (moved - half_ulp) / s,
            (others - 1.0) / s,
            half_ulp,
            self._naive_sum,
            self._is_of_overflow,
        )

    def _replayed(self, less: float) -> Array:
        """`softmax_harness.judgement.outcomes.replay_sum` of the logits less a number."""
        format = self.problem.output_format
        parts = (self.x[:, place].astype(np.float64) - less for place in slices(self.n))
        return rounded_sum(np.sum([replayed(each, format) for each in parts], axis=0), format)

    def _naive_sum(self) -> Array:
        return self._replayed_naive

    @cached_property
    def _replayed_naive(self) -> Array:
        return self._replayed(0.0)

    def _is_of_overflow(self) -> NDArray[np.bool_]:
        return self._overflowed

    @cached_property
    def _overflowed(self) -> NDArray[np.bool_]:
        sizes = [np.abs(self.y[:, each].astype(np.float64)).max() for each in slices(self.n)]
        largest = np.array([[np.nan_to_num(np.max(sizes), nan=np.inf)]])
        top = np.array([[self.known.rest.top]])
        shifted = self._replayed(self.known.rest.top)
        return overflowed(largest, top, shifted, self._replayed_naive, self.problem.output_format)


def slices(n: int) -> Iterator[slice]:
    """Of one length but for the last."""
    return (slice(start, min(start + SLICE, n)) for start in range(0, n, SLICE))


def judged_row(row: SlicedRow, keep: int) -> tuple[Tally, dict[str, Extreme]]:
    """The tally of a row, and its first element of each outcome that is a fault.

    `keep` is as in `softmax_harness.judgement.aggregate.tally`.
    """
    sums, firsts = RowSums(), dict[str, Extreme]()
    total: Tally | None = None
    is_plain = True
    for place in slices(row.n):
        asked, y = row.slice_of(place)
        batch, codes = classified(asked, y)
        so_far = {} if total is None else total.so_far
        found = tally(batch, codes, _NO_BOUND, keep, so_far, _OF_SLICES)
        found = _moved(found, place.start)
        total = found if total is None else total.add(found, keep)
        sums.add(batch)
        is_plain &= bool(batch.plain[0])
        for code in np.flatnonzero(found.outcomes).tolist():
            if not OUTCOMES[code].is_good and OUTCOMES[code] not in firsts:
                index = int(np.argmax(codes[0] == code))
                firsts[OUTCOMES[code]] = Extreme(float(y[0, index]), 0, place.start + index)
    assert total is not None
    inversions = row.inversions(total.so_far.get("max_ulp", np.inf) if is_plain else np.inf)
    sums_of_row = {"order_inversions": float(inversions), "argmax_flips": sums.flips(row.whole.top)}
    maxima = {
        name: (Extreme(value, 0, 0),) for name, value in sums.maxima().items() if value == value
    }
    return (
        replace(
            total,
            rows=1,
            candidates=_in_order(total.candidates | maxima),
            sums=_in_order(total.sums | sums_of_row),
        ),
        firsts,
    )


_OF_SLICES = tuple(each for each in METRICS if each.of_elements or each.name == "wrongly_zero")


def _in_order(found: dict[str, Any]) -> dict[str, Any]:
    return {each.name: found[each.name] for each in METRICS if each.name in found}


def _moved(found: Tally, start: int) -> Tally:
    """The tally of a slice as part of its row."""
    candidates = {
        name: tuple(replace(each, index=each.index + start) for each in near)
        for name, near in found.candidates.items()
    }
    return replace(found, rows=0, candidates=candidates)
