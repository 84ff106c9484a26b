"""Outputs against the truth of their inputs: which elements are faults, and of what kind."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax_harness.check.contract.truths import kept_truths
from softmax_harness.explain.numbers import result_text
from softmax_harness.ground.floating_point import check_floating_point_environment
from softmax_harness.ground.row_reductions import row_any
from softmax_harness.judgement.flushing import with_flushed
from softmax_harness.judgement.measure import classified
from softmax_harness.judgement.metrics import Batch
from softmax_harness.judgement.outcomes import OUTCOMES, Outcome
from softmax_harness.judgement.question import Question
from softmax_harness.operations import Operands, Problem, asked_text, is_tolerant
from softmax_harness.subjects.subject import Subject

_INFERRED = {
    Outcome.OVERFLOW: " (inferred: the naive sum overflows)",
    Outcome.DENOMINATOR_UNDERFLOW: " (inferred: the naive sum is 0)",
}
_INFERRED_OF_INFINITY = {
    Outcome.DENOMINATOR_UNDERFLOW: _INFERRED[Outcome.DENOMINATOR_UNDERFLOW],
    Outcome.SPURIOUS_UNDERFLOW: " (inferred: the logarithm of an exponential that is 0)",
}
_GOOD = np.array([each.is_good for each in OUTCOMES])


@dataclass(frozen=True)
class Judgement:
    """A batch that was judged.

    Attributes
    ----------
    asked : Question
    batch : Batch
    codes : ndarray of int8, shape (rows, n)
        The outcome of each element.
    is_fault : ndarray of bool, shape (rows, n)
    """

    asked: Question
    batch: Batch
    codes: NDArray[np.int8]
    is_fault: NDArray[np.bool_]

    @cached_property
    def has_fault(self) -> NDArray[np.bool_]:
        """Which rows have a fault, shape (rows,)."""
        return row_any(self.is_fault)

    def kinds(self) -> list[str]:
        """The outcomes that are faults, those that occur."""
        return [str(OUTCOMES[code]) for code in np.unique(self.codes[self.is_fault]).tolist()]

    def count(self, kind: str) -> int:
        """How many faults are of a kind."""
        return int((self.is_fault & (self.codes == OUTCOMES.index(kind))).sum())

    def worst(self, kind: str) -> tuple[int, int]:
        """Row and index of the worst element of a kind, the first of equals.

        One whose error is no number, as beside NaN, comes after all others.
        """
        is_kind = self.is_fault & (self.codes == OUTCOMES.index(kind))
        size = np.where(is_kind, np.abs(self.batch.ulp_error), -np.inf)
        size[np.isnan(size)] = -1.0
        row, index = np.unravel_index(np.argmax(size), size.shape)
        return int(row), int(index)

    def texts(self, row: int, index: int) -> tuple[str, str]:
        """An element and what is right, as `explain` writes them."""
        format, truth = self.asked.problem.judged_format, self.batch.truth
        y, z = (float(each[row, index]) for each in (self.batch.y, truth.rounded))
        is_open = truth.fixed[row, index] and is_tolerant(np.asarray(z))
        due = asked_text(z) if is_open else result_text(z, format)
        return result_text(y, format), f"{due}{self._or_zero(row, z)}"

    def told(self, row: int, index: int) -> str:
        """What was computed of an element, and what is right, in words.

        Of what is no number, or 0, the outcome may tell a cause that is inferred.
        """
        y, z = self.texts(row, index)
        if self.batch.truth.fixed[row, index]:
            return f"gives {y}, but {z} is due"
        outcome, is_infinite = OUTCOMES[self.codes[row, index]], np.isinf(self.batch.y[row, index])
        is_plain = bool(
            np.isfinite(self.asked.x[row]).all()
        )  # beside infinity NaN has other causes
        inferred = _INFERRED_OF_INFINITY if is_infinite else _INFERRED
        cause = inferred.get(outcome, "") if is_plain else ""
        return f"gives {y}, but the correctly rounded result is {z}{cause}"

    def _or_zero(self, row: int, due: float) -> str:
        """What is as good where a row sees nothing and no policy is stated, or could be by one."""
        problem, sees_nothing = self.asked.problem, np.isneginf(self.batch.x[row]).all()
        if not (sees_nothing and math.isnan(due)) or problem.policy.all_masked is not None:
            return ""
        if problem.operation.seeing_nothing is None:
            return " (see --policy all-masked)"
        return ", or 0 in every row that sees nothing (or see --policy all-masked),"

    def rows(self, chosen: slice) -> Judgement:
        """The judgement of some rows, in the same memory."""
        return Judgement(
            self.asked.rows(chosen),
            self.batch.rows(chosen),
            self.codes[chosen],
            self.is_fault[chosen],
        )

    def renewed(self) -> Judgement:
        """The same outputs, judged by the truth as it is confirmed by now."""
        return Judgement(
            self.asked,
            self.asked.batch_of(self.batch.y),
            self.codes,
            self.is_fault,
        )

    def excess(self, row: int, index: int) -> tuple[float, float]:
        """The error of an element in ulp, and the limit of an accurate one."""
        error = float(np.abs(self.batch.ulp_error[row, index]))
        return error, float(self.asked.limit_ulp[row, index])


def asked_of(
    subject: Subject, x: NDArray[Any], operands: Operands = (), tier: str = "screened"
) -> Question:
    """The truth of rows x, shape (rows, n), with the limits of the subject's standard."""
    return truth_of(subject.problem, x, operands, tier).held_to(subject.standard)


def truth_of(
    problem: Problem, x: NDArray[Any], operands: Operands = (), tier: str = "screened"
) -> Question:
    """The truth of rows x, shape (rows, n); the floating-point environment is checked too."""
    check_floating_point_environment()
    found = kept_truths().question(problem, x, operands, tier)
    check_floating_point_environment()
    return found


def judge(asked: Question, y: NDArray[Any], flushes: bool) -> Judgement:
    """Judge outputs y of rows; `flushes` where subnormal numbers may count as 0."""
    with np.errstate(invalid="ignore"):  # a signalling NaN, as memory may hold that nothing filled
        given = y.reshape(asked.truth.rounded.shape).astype(np.float64)
    batch, codes = classified(asked, given)
    codes = with_flushed(asked, batch, codes) if flushes else codes
    is_fault = ~_GOOD[codes]
    flushed = codes == Outcome.FLUSHED_SUBNORMAL.code
    if flushed.any():
        # 0 in place of a subnormal result can be within the error bound.
        is_fault[flushed] = not flushes
        is_fault[flushed] &= np.abs(batch.ulp_error[flushed]) > asked.limit_ulp[flushed]
    return Judgement(asked, batch, codes, is_fault)
