"""One implementation on one block of inputs whose truth is known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from softmax_implementations import Implementation

from softmax_harness.aggregate import RowTallies, Tally, row_tallies, tally
from softmax_harness.call import call
from softmax_harness.formats import Format
from softmax_harness.metrics import judged
from softmax_harness.operations import Operation, Policy
from softmax_harness.operations.bounds import owed, theorem
from softmax_harness.outcomes import OUTCOMES, classify
from softmax_harness.truth import Truth, judge

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Question:
    """Inputs with their truth, to be put to any number of implementations.

    Attributes
    ----------
    stored : ndarray, shape (rows, n)
        The inputs in their own format.
    x : ndarray of float64
        The same numbers.
    truth : Truth
        Exact results seen from the format that is judged.
    limit_ulp : ndarray of float64, shape (rows, n)
        What a well-made softmax owes: up to here an element is accurate.
    """

    stored: NDArray[Any]
    x: Array
    truth: Truth
    limit_ulp: Array


@dataclass(frozen=True)
class Measurement:
    """What one implementation made of one question.

    Attributes
    ----------
    tally : Tally
    by_row : RowTallies
    faults : tuple of str
        What was wrong with the call itself.
    """

    tally: Tally
    by_row: RowTallies
    faults: tuple[str, ...]


def question(
    operation: Operation, stored: NDArray[Any], format: Format, policy: Policy | None = None
) -> Question:
    """The truth of `stored`, shape (rows, n), and the limit owed, as `format` sees them."""
    x = stored.astype(np.float64)
    truth = judge(operation, x, format, policy)
    with np.errstate(invalid="ignore"):
        limit = owed(x, truth.value, truth.ulp, format)
    return Question(stored, x, truth, limit)


def measure(implementation: Implementation, asked: Question, keep: int) -> Measurement:
    """Call the implementation, judge every element, and add them up.

    A call that gives nothing to judge counts as NaN throughout. `keep` is as in
    `softmax_harness.aggregate.tally`.
    """
    called = call(implementation, asked.stored)
    y = np.full(asked.x.shape, np.nan) if called.y is None else called.y
    batch = judged(asked.x, y, asked.truth)
    codes = classify(batch, asked.limit_ulp)
    if called.y is None:
        codes = np.full(codes.shape, OUTCOMES.index("nan"), np.int8)
    bound = _bound(implementation, asked)
    return Measurement(
        tally(batch, codes, bound, keep), row_tallies(batch, codes, bound), called.faults
    )


def _bound(implementation: Implementation, asked: Question) -> Array:
    truth = asked.truth
    with np.errstate(invalid="ignore"):
        bound = theorem(implementation.bound, asked.x, truth.value, truth.ulp, truth.format)
    return np.where(truth.fixed, np.nan, bound)
