"""One implementation on one block of inputs whose truth is known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from softmax_implementations import Implementation

from softmax_harness.ground.formats import Format
from softmax_harness.judgement.aggregate import RowTallies, Tally, row_tallies, tally
from softmax_harness.judgement.metrics import Batch, batch_of, metrics_of
from softmax_harness.judgement.outcomes import OUTCOMES, classify
from softmax_harness.operations import Operands, Operation, Policy
from softmax_harness.operations.bounds import error_bound_at_least, least_error_bound, theorem
from softmax_harness.subjects.call import call
from softmax_harness.truth import ExactResults, Truth, confirm, exact_results

Array = NDArray[np.float64]

# Beside the screen's own error: rounding of the limit, a few operations in float64.
_LIMIT_ROUNDING = 1e-9


@dataclass(frozen=True)
class Question:
    """Inputs with their truth, to be put to any number of implementations.

    Attributes
    ----------
    operation : Operation
    policy : Policy
    stored : ndarray, shape (rows, n)
        The inputs in their own format.
    x : ndarray of float64
        The same numbers.
    exact_results : ExactResults
        Exact results seen from the format that is judged.
    operands : tuple of ndarray
        What the operation takes besides the logits.
    """

    operation: Operation
    policy: Policy
    stored: NDArray[Any]
    x: Array
    exact_results: ExactResults
    operands: Operands = ()

    @property
    def truth(self) -> Truth:
        """The exact results."""
        return self.exact_results.truth

    @cached_property
    def limit_ulp(self) -> Array:
        """The error bound of each element, shape (rows, n): up to it, the element is accurate."""
        return self._error_bound(self.truth, slice(None))

    @cached_property
    def input_sensitivity(self) -> Array | None:
        """How half-ulp changes of the logits change each result; None for softmax, see `Batch`."""
        input_sensitivity, truth = self.operation.input_sensitivity, self.truth
        if input_sensitivity is None:
            return None
        with np.errstate(all="ignore"):
            return input_sensitivity(self.x, self.operands, truth.value, truth.format)

    def batch_of(self, y: Array) -> Batch:
        """The outputs y with their errors."""
        x = self.operation.effective_logits(self.x, self.operands)
        return batch_of(x, y, self.truth, self.input_sensitivity)

    def confirm(self, rows: NDArray[np.int64]) -> None:
        """Let mpmath judge some rows, in place."""
        confirm(self.exact_results, rows, self.operation, self.x, self.policy)
        self.limit_ulp[rows] = self._error_bound(self.truth.rows(rows), rows)

    def _error_bound(self, truth: Truth, rows: NDArray[np.int64] | slice) -> Array:
        operands = tuple(each[rows] for each in self.operands)
        with np.errstate(invalid="ignore"):
            return self.operation.error_bound(
                self.x[rows], operands, truth.value, truth.ulp, truth.format
            )


@dataclass(frozen=True)
class Measurement:
    """The result of one implementation on one question.

    Attributes
    ----------
    tally : Tally
    by_row : RowTallies or None
        Where it was asked for.
    faults : tuple of str
        What was wrong with the call itself.
    """

    tally: Tally
    by_row: RowTallies | None
    faults: tuple[str, ...]


def question(
    operation: Operation,
    stored: NDArray[Any],
    format: Format,
    policy: Policy | None = None,
    tier: str = "screened",
    operands: Operands = (),
) -> Question:
    """The truth of `stored`, shape (rows, n), and the error bound, as `format` sees them."""
    policy = policy or Policy()
    # What an implementation could write into is copied: it must not change the question.
    x = stored.astype(np.float64, copy=stored.flags.writeable)
    exact = exact_results(operation, x, format, policy, tier, operands)
    return Question(operation, policy, stored, x, exact, operands)


def classified(asked: Question, y: Array) -> tuple[Batch, NDArray[np.int8]]:
    """The outputs y with their errors and outcomes; what the screen leaves open is confirmed."""
    batch = asked.batch_of(y)
    slack = asked.exact_results.error_ulp
    if asked.operation.name != "softmax":
        return batch, classify(batch, asked.limit_ulp, asked.operation)
    if not _beyond(batch, slack):
        return batch, classify(batch)
    open_ = ~asked.exact_results.confirmed
    if open_.any():
        distance = np.abs(batch.absolute - asked.limit_ulp)
        close = distance <= slack + _LIMIT_ROUNDING * asked.limit_ulp
        rows = np.flatnonzero(close.any(axis=-1) & open_)
        if rows.size:
            asked.confirm(rows)
            batch = asked.batch_of(y)
    return batch, classify(batch, asked.limit_ulp)


def _beyond(batch: Batch, slack: float) -> bool:
    """Whether an element may exceed its error bound; cheap lower limits are tried first.

    Elements that exceed the least bound of their row are looked at one by one. Results that the
    policy fixes have no bound.
    """
    x, truth, n = batch.x, batch.truth, batch.x.shape[-1]
    least = (1.0 - _LIMIT_ROUNDING) * least_error_bound(n, batch.normal) - slack
    if not (batch.largest <= least).all():
        # NumPy compares with one number twice as fast as with a column.
        bar = least[0] if batch.normal.all() else least[:, None]
        far = np.flatnonzero(batch.absolute > bar)
        far = far[~truth.fixed.ravel().take(far)]
        ulp, offset = truth.ulp.ravel().take(far), truth.offset.ravel().take(far)
        z = truth.rounded.ravel().take(far) + offset * ulp
        distance = x.max(axis=-1).take(far // n) - x.ravel().take(far)
        limit = error_bound_at_least(distance, z, ulp, n, truth.format)
        own = (1.0 - _LIMIT_ROUNDING) * limit - slack
        return not bool((batch.absolute.ravel().take(far) <= own).all())
    return False


def measure(
    implementation: Implementation,
    asked: Question,
    keep: int,
    by_row: bool = False,
    so_far: Mapping[str, float] = MappingProxyType({}),
) -> Measurement:
    """Call the implementation, judge every element, and add them up, by row too if asked for.

    A call that gives nothing to judge counts as NaN throughout. `keep` and `so_far` are as in
    `softmax_harness.judgement.aggregate.tally`.
    """
    shape = asked.truth.rounded.shape
    called = call(implementation, asked.stored, operation=asked.operation, operands=asked.operands)
    y = np.full(shape, np.nan) if called.y is None else called.y.reshape(shape)
    batch, codes = classified(asked, y)
    if called.y is None:
        codes = np.full(codes.shape, OUTCOMES.index("nan"), np.int8)
    bound = _bound(implementation, asked)
    rows = row_tallies(batch, codes, bound) if by_row else None
    metrics = metrics_of(asked.operation)
    return Measurement(tally(batch, codes, bound, keep, so_far, metrics), rows, called.faults)


def _bound(implementation: Implementation, asked: Question) -> Array:
    truth, name = asked.truth, implementation.bound
    bound: Array | float = np.nan  # theorems are of softmax
    if name == "exact":
        bound = 0.5
    elif name == "operation":
        bound = asked.limit_ulp
    elif asked.operation.name == "softmax":
        with np.errstate(invalid="ignore"):
            bound = theorem(name, asked.x, truth.value, truth.ulp, truth.format)
    return np.where(truth.fixed, np.nan, bound)
