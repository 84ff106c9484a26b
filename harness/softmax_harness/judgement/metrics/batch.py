"""What every metric is a function of: inputs, computed outputs and the truth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.formats import Format
from softmax_harness.ground.row_reductions import row_any, row_max, row_min
from softmax_harness.truth import Truth

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Whole:
    """The row of which a batch holds a slice: what its elements are judged by besides themselves.

    Attributes
    ----------
    n : int
        Its length.
    top : float
        Its largest logit.
    moved_by_others : float
        The sum of z_j h_j over all but one of its largest logits, h_j half an ulp of the logit.
    others : float
        The sum of z_j over these.
    half_ulp_of_top : float
        h of the largest.
    naive_sum : callable
        ``naive_sum()`` is `softmax_harness.judgement.outcomes.replay_sum` of it.
    is_of_overflow : callable
        ``is_of_overflow()`` says whether 0 in it comes of an infinite sum.
    """

    n: int
    top: float
    moved_by_others: float
    others: float
    half_ulp_of_top: float
    naive_sum: Callable[[], Array]
    is_of_overflow: Callable[[], NDArray[np.bool_]]

    @property
    def moved(self) -> float:
        """The sum of z_j h_j over all."""
        return self.moved_by_others + (1.0 - self.others) * self.half_ulp_of_top


# What a batch finds when it is first asked for, and its rows have a part of.
_OF_EACH_ROW = {"top", "absolute", "largest", "usual", "normal"}


@dataclass(frozen=True)
class Batch:
    """Rows that were computed and judged; arrays other than x have the shape of results, (rows, m).

    What several metrics need is made once, when the first of them asks for it.

    Attributes
    ----------
    x, y : ndarray of float64
        Inputs and computed outputs; every format up to float64 is exact in it.
    truth : Truth
        The exact results.
    ulp_error : ndarray of float64
        `softmax_harness.judgement.metrics.ulp.ulp_error` of each element.
    sensitivity : callable or None
        Gives `input_sensitivity`, which takes long and few metrics need; None for softmax, of which
        `softmax_harness.judgement.metrics.ulp` knows it.
    own_format : Format or None
        The format of the inputs, where that is not the one of the results.
    whole : Whole or None
        Where this is a slice of a row, shape (1, some), the row.
    """

    x: Array
    y: Array
    truth: Truth
    ulp_error: Array
    sensitivity: Callable[[], Array | None] | None = None
    own_format: Format | None = None
    whole: Whole | None = None

    @property
    def n(self) -> int:
        """The length of the rows."""
        return self.x.shape[-1] if self.whole is None else self.whole.n

    @cached_property
    def top(self) -> Array:
        """The largest logit of each row, shape (rows,)."""
        return row_max(self.x) if self.whole is None else np.array([self.whole.top])

    @property
    def input_format(self) -> Format:
        """The format of the inputs."""
        return self.own_format or self.truth.format

    @cached_property
    def input_sensitivity(self) -> Array | None:
        """What half-ulp changes of the inputs do to each result."""
        return None if self.sensitivity is None else self.sensitivity()

    @cached_property
    def z(self) -> Array:
        """The exact results to the precision of float64."""
        return self.truth.value

    @cached_property
    def absolute(self) -> Array:
        """|y - z| / ulp(z), NaN as in `ulp_error`."""
        return np.abs(self.ulp_error)

    @cached_property
    def largest(self) -> Array:
        """The largest of `absolute` in each row, NaN where the row holds one; shape (rows,)."""
        return row_max(self.absolute)

    @cached_property
    def usual(self) -> NDArray[np.bool_]:
        """Rows in which nothing is fixed and all outputs are in (0, 1]; shape (rows,)."""
        inside = (row_min(self.y) > 0) & (row_max(self.y) <= 1)
        return np.asarray(inside & ~row_any(self.truth.fixed))

    @cached_property
    def normal(self) -> NDArray[np.bool_]:
        """Rows whose every z is surely a normal number, so that ulp(z) <= 2u z; shape (rows,)."""
        least = row_min(self.truth.ulp)
        return np.asarray(least > self.truth.format.smallest_subnormal)

    @cached_property
    def plain(self) -> NDArray[np.bool_]:
        """Usual rows whose every z is surely a normal number, shape (rows,)."""
        return self.usual & self.normal

    @cached_property
    def excess(self) -> Array:
        """The sum of each usual row less 1, shape (rows,); what it means elsewhere is nothing.

        Within `excess_error` and a relative 2**-50. What is added to 1.5 * 2**b, b = bits of n, is
        cut to multiples of 2**(b - 52), of which n add up exactly, and so does 1; what is cut off
        is below 2**(b - 53) and is summed in floating point.
        """
        grid = 1.5 * 2.0 ** self.y.shape[-1].bit_length()
        cut = self.y + grid
        cut -= grid
        total = cut.sum(axis=-1)
        np.subtract(self.y, cut, out=cut)
        with np.errstate(invalid="ignore"):  # infinity less infinity
            return np.asarray((total - 1.0) + cut.sum(axis=-1))

    @property
    def excess_error(self) -> float:
        """n u times the sum of n numbers below 2**(b - 53) <= 2 n u."""
        n = float(self.y.shape[-1])
        return 2.0 * n * (n * 2.0**-53) ** 2

    def rows(self, chosen: NDArray[np.int64] | slice) -> Batch:
        """Some rows, in the order of `chosen`; without a copy if they are all there are.

        A slice shares what is known of it by now.
        """
        if not isinstance(chosen, slice) and chosen.size == len(self.y):
            return self
        found = Batch(
            self.x[chosen],
            self.y[chosen],
            self.truth.rows(chosen),
            self.ulp_error[chosen],
            None if self.sensitivity is None else lambda: self._sensitivity_of(chosen),
            self.own_format,
            self.whole,
        )
        if isinstance(chosen, slice):
            for name in _OF_EACH_ROW & self.__dict__.keys():
                found.__dict__[name] = self.__dict__[name][chosen]
        return found

    def _sensitivity_of(self, chosen: NDArray[np.int64] | slice) -> Array | None:
        return None if self.input_sensitivity is None else self.input_sensitivity[chosen]
