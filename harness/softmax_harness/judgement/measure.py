"""One implementation on one block of inputs whose truth is known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray
from softmax_implementations import Implementation

from softmax_harness.ground.row_reductions import row_any
from softmax_harness.judgement.aggregate import RowTallies, Tally, row_tallies, tally
from softmax_harness.judgement.metrics import Batch, metrics_of
from softmax_harness.judgement.outcomes import Outcome, classify
from softmax_harness.judgement.perhaps_beyond import LIMIT_ROUNDING
from softmax_harness.judgement.question import Question
from softmax_harness.operations import some_rows

if TYPE_CHECKING:  # score judges what others called, and starts without what calls
    from softmax_harness.subjects.subject import Subject

Array = NDArray[np.float64]
Limits = tuple[str, float | None]  # a standard, or an error in ulp in its place


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
