"""One implementation on one block of inputs whose truth is known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from softmax_implementations import Implementation

from softmax_harness.ground.row_reductions import row_any
from softmax_harness.judgement.aggregate import RowTallies, Tally, row_tallies, tally
from softmax_harness.judgement.metrics import Batch, Whole, batch_of, metrics_of
from softmax_harness.judgement.outcomes import IS_FAULT, Outcome, classify
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

if TYPE_CHECKING:  # score judges what others called, and starts without what calls
    from softmax_harness.subjects.subject import Subject

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
        if np.isnan(error).any():  # which other limits may allow: see `classify`
            codes = classify(batch.rows(rows), limit, self.operation)
            beyond |= np.isnan(error) & IS_FAULT[codes]
        return int((beyond & ~exempt[rows]).sum())

    def rows_perhaps_beyond(self, batch: Batch) -> NDArray[np.int64]:
        """The rows of which an element may exceed its limit, as far as is known without these.

        All rows if they are most: parts of arrays take longer than what they save.
        """
        slack, cheap = self.exact_results.error_ulp, self.cheap_limit
        rows = rows_perhaps_beyond(batch, slack, cheap, self.operands)
        return np.arange(len(self.x)) if 2 * rows.size > len(self.x) else rows


class Answer(NamedTuple):
    """What an implementation answered to a question.

    Attributes
    ----------
    y : ndarray of float64 or None
        The outputs in the shape of the results; None where there is nothing to judge.
    messages : tuple of str
        What was wrong with the call itself.
    """

    y: Array | None
    messages: tuple[str, ...]


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


@np.errstate(over="ignore", invalid="ignore", divide="ignore")  # results may be anything
def classified(asked: Question, y: Array) -> tuple[Batch, NDArray[np.int8]]:
    """The outputs y with their errors and outcomes; what the screen leaves open is confirmed."""
    batch = asked.batch_of(y)
    rows = asked.rows_perhaps_beyond(batch)
    if not rows.size:
        return batch, classify(batch, operation=asked.operation)
    limit = asked.limits_of(rows)
    close = rows[_are_close(asked, batch.rows(rows), limit) & ~asked.exact_results.confirmed[rows]]
    if close.size:
        asked.confirm(close)
        batch = asked.batch_of(y)
    codes = classify(batch.rows(rows), limit, asked.operation)
    codes[_is_out_of_reach(asked, batch, rows, limit)] = Outcome.OUT_OF_RANGE.code
    if rows.size == len(y):
        return batch, codes
    of_all = classify(batch, operation=asked.operation)
    of_all[rows] = codes
    return batch, of_all


def _is_out_of_reach(
    asked: Question, batch: Batch, rows: NDArray[np.int64], limit: Array
) -> NDArray[np.bool_]:
    """Where some rows have numbers that no arithmetic gives, though their limit is infinite."""
    reach = asked.operation.reach
    found = np.isposinf(limit) & np.isfinite(batch.y[rows]) & ~asked.truth.fixed[rows]
    some = np.flatnonzero(row_any(found))
    if reach is None or not some.size:
        return np.zeros_like(found)
    own = rows[some]
    least, most = reach(some_rows(asked.operands, own))
    found[some] &= (batch.y[own] < least) | (batch.y[own] > most)
    return np.asarray(found)


def _are_close(asked: Question, batch: Batch, limit: Array) -> NDArray[np.bool_]:
    """The rows in which an element is so near its limit that the screen cannot tell its side."""
    distance = np.abs(batch.absolute - limit)
    slack = asked.exact_results.error_ulp + LIMIT_ROUNDING * limit
    # Below an infinite limit nothing is open.
    close = (distance <= slack) & np.isfinite(distance)
    # Nor is RN(z), which is known, but within a limit that asks for more.
    close &= (batch.y != batch.truth.rounded) | (limit < 0.5)
    return np.asarray(row_any(close))


def measure(
    subject: Subject,
    asked: Question,
    keep: int,
    by_row: bool = False,
    so_far: Mapping[str, float] = MappingProxyType({}),
) -> Measurement:
    """Call an implementation, and measure what it answers: see `measured`."""
    return measured(subject, asked, called(subject, asked), keep, by_row, so_far)


def called(subject: Subject, asked: Question) -> Answer:
    """What an implementation answers to a question."""
    reply = subject.call(asked.stored, asked.operands)
    y = reply.values
    return Answer(None if y is None else y.reshape(asked.truth.rounded.shape), reply.messages)


def measured(
    subject: Subject,
    asked: Question,
    answer: Answer,
    keep: int,
    by_row: bool = False,
    so_far: Mapping[str, float] = MappingProxyType({}),
) -> Measurement:
    """Judge every element of what an implementation answered, and add up, by row if asked for.

    It is held to its own standard. A call that gives nothing to judge counts as NaN throughout.
    `keep` and `so_far` are as in `softmax_harness.judgement.aggregate.tally`.
    """
    asked = asked.held_to(subject.standard)
    y = answer.y
    batch, codes = classified(asked, np.full(asked.truth.rounded.shape, np.nan) if y is None else y)
    if y is None:
        codes = np.full(codes.shape, Outcome.NAN.code, np.int8)
    bound = _bound(subject.declaration, asked)
    rows = row_tallies(batch, codes, bound) if by_row else None
    metrics = metrics_of(asked.operation)
    return Measurement(tally(batch, codes, bound, keep, so_far, metrics), rows, answer.messages)


def _bound(declaration: Implementation, asked: Question) -> Array:
    truth, name = asked.truth, declaration.bound
    theorem = asked.operation.theorem
    bound: Array | float = np.nan
    if name == "exact":
        bound = 0.5
    elif name == "operation":
        with np.errstate(invalid="ignore"):
            bound = asked.operation.error_bound(
                asked.x, asked.operands, truth.value, truth.ulp, truth.format
            )
    elif theorem is not None:
        with np.errstate(invalid="ignore"):
            bound = theorem(name, asked.x, truth.value, truth.ulp, truth.format)
    return np.where(truth.fixed, np.nan, bound)
