"""How bad rows are: the largest error in ulp of each, and whether a result is broken."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from softmax_harness.judgement.measure import classified
from softmax_harness.judgement.outcomes import BROKEN
from softmax_harness.judgement.question import question
from softmax_harness.operations import Inputs
from softmax_harness.subjects.subject import Subject

Array = NDArray[np.float64]
_BROKEN = [outcome.code for outcome in BROKEN]


@dataclass(frozen=True)
class Judged:
    """Some rows, judged.

    Attributes
    ----------
    error : ndarray of float64, shape (rows,)
        The largest error in ulp of the row's results, -1 where there is none.
    index : ndarray of int, shape (rows,)
        Where it stands.
    is_broken : ndarray of bool, shape (rows,)
        Whether a result is lost although the format could hold a better one.
    faults : tuple of str
        What was wrong with the call.
    """

    error: Array
    index: NDArray[np.int64]
    is_broken: NDArray[np.bool_]
    faults: tuple[str, ...]


@np.errstate(all="ignore")  # results may be anything
def judged(subject: Subject, inputs: Inputs, tier: str = "screened") -> Judged:
    """Call an implementation for some rows of one length, and judge what it gives.

    Parameters
    ----------
    tier : {"screened", "mpmath"}
        As in `softmax_harness.truth.exact_results`.
    """
    asked = question(subject.problem, *inputs, tier).held_to(subject.standard)
    reply, rows = subject.call(*inputs), len(inputs.x)
    if reply.values is None:
        nothing = np.zeros(rows, np.int64)
        return Judged(np.full(rows, -1.0), nothing, np.ones(rows, bool), reply.messages)
    batch, codes = classified(asked, reply.values.reshape(asked.truth.rounded.shape))
    error = np.where(np.isfinite(batch.absolute), batch.absolute, -1.0)
    index = error.argmax(axis=-1)
    is_broken = np.asarray(np.isin(codes, _BROKEN).any(axis=-1))
    largest = np.take_along_axis(error, index[:, None], axis=-1)[:, 0]
    return Judged(largest, index, is_broken, reply.messages)
