"""A block of inputs with its truth and its limits, which can be put to any implementation."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.row_reductions import row_any
from softmax_harness.judgement.metrics import Batch, Whole, batch_of
from softmax_harness.judgement.outcomes import IS_FAULT, classify
from softmax_harness.judgement.perhaps_beyond import LIMIT_ROUNDING, rows_perhaps_beyond
from softmax_harness.judgement.row_limits import RowLimits
from softmax_harness.operations import Operands, Operation, Problem, some_rows
from softmax_harness.operations.operation import CheapLimit
from softmax_harness.operations.standards import (
    cheap_limit_of,
    constant_limit,
    default_standard,
    limit_ulp,
)
from softmax_harness.truth import (
    ExactResults,
    Truth,
    confirm,
    error_ulp_of,
    exact_results,
    remember,
)

Array = NDArray[np.float64]
Limits = tuple[str, float | None]  # a standard, or an error in ulp in its place


@dataclass(frozen=True)
class Question:
    """Inputs with their truth, to be put to any number of implementations.

    What an element may err by depends on the standard; the truth does not.

    Attributes
    ----------
    problem : Problem
    stored : ndarray, shape (rows, n)
        The inputs in their own format.
    x : ndarray of float64
        The same numbers.
    exact_results : ExactResults
        Exact results seen from the format that is judged.
    operands : tuple of ndarray
        What the operation takes besides the logits.
    standard : str
        Of accuracy, which decides what is accurate: see `softmax_harness.operations.standards`.
    whole : Whole or None
        As in `softmax_harness.judgement.metrics.Batch`.
    at_most : float or None
        An error in ulp up to which every element is accurate, in place of the standard's limits.
    """

    problem: Problem
    stored: NDArray[Any]
    x: Array
    exact_results: ExactResults
    operands: Operands
    standard: str
    whole: Whole | None = None
    at_most: float | None = None
    _others: dict[Limits, Question] = field(default_factory=dict, compare=False, repr=False)
    _first: Question | None = field(default=None, compare=False, repr=False)  # of other limits

    def held_to(self, standard: str, at_most: float | None = None) -> Question:
        """The same question with other limits; the truth is shared."""
        limits = standard, at_most
        if limits == (self.standard, self.at_most):
            return self
        if limits not in self._others:
            own = replace(self, standard=standard, at_most=at_most, _others={}, _first=self._whose)
            self._others[limits] = own
        return self._others[limits]

    @property
    def _whose(self) -> Question:
        """The question that finds what does not depend on the limits."""
        return self if self._first is None else self._first

    @property
    def operation(self) -> Operation:
        """What is computed."""
        return self.problem.operation

    @property
    def truth(self) -> Truth:
        """The exact results."""
        return self.exact_results.truth

    @property
    def limit_ulp(self) -> Array:
        """The error bound of each element, shape (rows, n): up to it, the element is accurate."""
        return self.limits_of(np.arange(len(self.x)))

    def limits_of(self, rows: NDArray[np.int64]) -> Array:
        """Those of some rows: few rows of many come near their limits, which take long to find."""
        return self._row_limits.of(rows, self._limits_found)

    @cached_property
    def _row_limits(self) -> RowLimits:
        return RowLimits.of_shape(self.truth.rounded.shape)

    @cached_property
    def input_sensitivity(self) -> Array | None:
        """How half-ulp changes of the logits change each result; None for softmax, see `Batch`."""
        input_sensitivity, truth = self.operation.input_sensitivity, self.truth
        if input_sensitivity is None:
            return None
        if self._first is not None:
            return self._first.input_sensitivity
        if not self.x.shape[-1]:
            return np.zeros(truth.rounded.shape)  # there is nothing that could change
        with np.errstate(all="ignore"):
            own = self.problem.input_format
            return input_sensitivity(self.x, self.operands, truth.value, own)

    @cached_property
    def effective_logits(self) -> Array:
        """The logits whose exponentials are summed."""
        if self._first is not None:
            return self._first.effective_logits
        return self.operation.effective_logits(self.x, self.operands)

    def batch_of(self, y: Array) -> Batch:
        """The outputs y with their errors."""
        y = _taken(y, self.truth) if self.problem.policy.saturation == "any" else y
        x, own = self.effective_logits, self.problem.input_format
        sensitivity = None if self.operation.input_sensitivity is None else self._sensitivity
        return batch_of(x, y, self.truth, sensitivity, own, self.whole)

    def _sensitivity(self) -> Array | None:
        return self.input_sensitivity

    def prepare(self) -> None:
        """Find now what is found once for all that is made of it by `rows`."""
        _ = self.effective_logits

    def prepare_metrics(self) -> None:
        """The same for metrics of any number of outputs."""
        _ = self.effective_logits, self.input_sensitivity

    def confirm(self, rows: NDArray[np.int64]) -> None:
        """Let mpmath judge some rows, in place."""
        confirm(self.exact_results, rows, self.problem, self.x, self.operands)
        for each in (self, self._whose):  # which was found from the truth as it was
            each.__dict__.pop("input_sensitivity", None)

    def rows(self, chosen: NDArray[np.int64] | slice) -> Question:
        """The same question of some rows; the truth of a slice is in the same memory."""
        known, operands = self.exact_results, some_rows(self.operands, chosen)
        own = ExactResults(known.truth.rows(chosen), known.confirmed[chosen], known.error_ulp)
        x = self.x[chosen]
        x.flags.writeable = False
        found = replace(
            self,
            stored=self.stored[chosen],
            x=x,
            exact_results=own,
            operands=operands,
            _others={},
            _first=None,
        )
        for whose in (self._whose, self):
            for name in _OF_ANY_LIMITS & whose.__dict__.keys():
                if (of_all := whose.__dict__[name]) is not None:
                    found.__dict__[name] = of_all[chosen]
        found.__dict__["_row_limits"] = self._row_limits.some(chosen)
        return found

    def under(self, problem: Problem) -> Question:
        """The same question with another policy, which mostly changes only what it fixes."""
        if problem.judged_format != self.truth.format:
            return question(problem, self.stored, self.operands)
        fixed, expected = problem.special_values(self.x, self.operands)
        known = self.exact_results
        truth = known.truth.with_fixed(fixed, expected)
        if truth is None:
            return question(problem, self.stored, self.operands)
        own = ExactResults(truth, known.confirmed.copy(), known.error_ulp)
        return replace(self, problem=problem, exact_results=own, _others={}, _first=None)

    def by_mpmath(self) -> Question:
        """The same question, each row of which mpmath has judged."""
        every = np.arange(len(self.x))
        own = self.rows(every)
        confirm(own.exact_results, every, own.problem, own.x, own.operands)
        error = error_ulp_of(self.operation, self.x.shape[-1], self.problem.output_format)
        found = replace(own, exact_results=replace(own.exact_results, error_ulp=error), _others={})
        if (logits := own.__dict__.get("effective_logits")) is not None:
            found.__dict__["effective_logits"] = logits
        return found

    @property
    def cheap_limit(self) -> CheapLimit | None:
        """Limits that no element's limit is below, and that cost next to nothing."""
        if self.at_most is None:
            return cheap_limit_of(self.operation, self.standard, self.truth.format)
        return constant_limit(self.at_most)

    def _limits_found(self, rows: NDArray[np.int64]) -> Array:
        x, operands, truth = self.x, self.operands, self.truth
        if not np.array_equal(rows, np.arange(len(x))):
            x, operands, truth = x[rows], some_rows(operands, rows), truth.rows(rows)
        if self.at_most is not None:
            return np.full(truth.rounded.shape, self.at_most)
        if not x.shape[-1]:
            return np.zeros(truth.rounded.shape)  # each is a special value, as of an empty sum
        with np.errstate(invalid="ignore"):
            return limit_ulp(
                self.operation,
                self.standard,
                x,
                operands,
                truth.value,
                truth.ulp,
                truth.format,
            )

    def exceeds(self, batch: Batch, exempt: NDArray[np.bool_]) -> bool:
        """Whether an element exceeds the limit of the standard for certain, those exempt apart."""
        return self.exceeding(batch, exempt) > 0

    @np.errstate(over="ignore", invalid="ignore", divide="ignore")  # results may be anything
    def exceeding(self, batch: Batch, exempt: NDArray[np.bool_]) -> int:
        """How many elements exceed the limit of the standard for certain, those exempt apart.

        What is infinite or no number exceeds it where a number is due and the limit is one.
        """
        rows = self.rows_perhaps_beyond(batch)
        if not rows.size:
            return 0
        limit = (1.0 + LIMIT_ROUNDING) * self.limits_of(rows) + self.exact_results.error_ulp
        error = batch.absolute[rows]
        beyond = error > limit
        unknown = np.isnan(error)
        some = np.flatnonzero(row_any(unknown))
        if some.size:  # which other limits may allow: see `classify`
            codes = classify(batch.rows(rows[some]), limit[some], self.operation)
            beyond[some] |= unknown[some] & IS_FAULT[codes]
        return int((beyond & ~exempt[rows]).sum())

    def rows_perhaps_beyond(self, batch: Batch) -> NDArray[np.int64]:
        """The rows of which an element may exceed its limit, as far as is known without these.

        All rows if they are most: parts of arrays take longer than what they save.
        """
        slack, cheap = self.exact_results.error_ulp, self.cheap_limit
        rows = rows_perhaps_beyond(batch, slack, cheap, self.operands)
        return np.arange(len(self.x)) if 2 * rows.size > len(self.x) else rows


def _taken(y: Array, truth: Truth) -> Array:
    """The outputs, where saturation is as good as what the format gives beyond its largest number.

    Where RN(z), or what the policy fixes, is too large for a number, either stands for it.
    """
    due = np.isinf(truth.rounded) | (np.isnan(truth.rounded) & ~truth.fixed)
    either = y == np.copysign(truth.format.largest, truth.rounded)
    if not truth.format.has_infinity:
        either |= np.isnan(y)
    return np.where(due & either, truth.rounded, y)


# What each row of a question has of its own, whatever the limits, once it was asked for.
_OF_ANY_LIMITS = {"effective_logits", "input_sensitivity"}


def question(
    problem: Problem, stored: NDArray[Any], operands: Operands = (), tier: str = "screened"
) -> Question:
    """The truth and the error bound of `stored`, shape (rows, n), seen from the output format."""
    # What an implementation could write into is copied: it must not change the question.
    x = stored.astype(np.float64, copy=stored.flags.writeable)
    x.flags.writeable = False
    standard = default_standard(problem.operation, problem.output_format)
    found = exact_results(problem, x, operands, tier)
    remember(problem, problem.operation.called_with(stored, operands), x, found)
    return Question(problem, stored, x, found, operands, standard)
