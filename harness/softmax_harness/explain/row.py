"""One row to explain, and how each implementation came to its result."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax_harness.explain.attribution import Added, attributed
from softmax_harness.explain.exact_steps import ExactSteps, exact_steps
from softmax_harness.explain.trace import Trace
from softmax_harness.ground.errors import BadData
from softmax_harness.ground.formats import Format
from softmax_harness.inputs.witness import Witness
from softmax_harness.judgement.metrics import ulp_error
from softmax_harness.operations import Problem
from softmax_harness.subjects.subject import Here, Subject
from softmax_harness.truth import Truth, arbitrate

_AGREES = 1e-9
# Each step of each element goes through mpmath, as often as there are steps.
_MOST_FOLLOWED = 1 << 16
_UNSEEN = "its steps cannot be seen: they are not NumPy's ufuncs on the whole row"


@dataclass(frozen=True)
class Explained:
    """One row in detail.

    Attributes
    ----------
    witness : Witness
        Its block, and its place in the block.
    x : ndarray of float64, shape (n,)
        The stored logits.
    truth : Truth
        Exact results of the row, shape (1, n).
    steps : ExactSteps or None
        None where the special-value policy decides the whole row.
    """

    witness: Witness
    x: NDArray[np.float64]
    truth: Truth
    steps: ExactSteps | None

    @classmethod
    def of(cls, witness: Witness, output_format: Format | None = None) -> Explained:
        """The row of `witness`, its results seen from `output_format`, else from its own format."""
        x = witness.block[witness.row].astype(np.float64)
        problem = witness.problem
        if output_format is not None:
            problem = replace(problem, output_format=output_format)
        truth = arbitrate(problem, x[None])
        special = not np.isfinite(truth.rounded).all()
        return cls(witness, x, truth, None if special else exact_steps(x))


@dataclass(frozen=True)
class Account:
    """The results and steps of one implementation on the row.

    Attributes
    ----------
    y : ndarray of float64, shape (n,), or None
        None where the call gave nothing to judge.
    ulp : ndarray of float64, shape (n,)
    index : int
        The element whose steps are followed.
    added : list of Added or None
        None where the steps cannot be followed, and `reason` says why.
    """

    y: NDArray[np.float64] | None
    ulp: NDArray[np.float64]
    index: int
    added: list[Added] | None
    reason: str


def account(subject: Subject, row: Explained) -> Account:
    """Call the implementation on the row's block and follow its steps to the row's worst element.

    The block is called whole, since the bits of a result may depend on where its row stands.
    """
    witness, judged_in = row.witness, subject.problem.output_format
    reply = subject.call(witness.block)
    if (results := reply.values) is None:
        return Account(None, np.full(len(row.x), np.nan), 0, None, "; ".join(reply.messages))
    is_same = judged_in == row.truth.format
    truth = row.truth if is_same else Explained.of(witness, judged_in).truth
    y = results[witness.row]
    ulp = ulp_error(y[None], truth)[0]
    index = _worst(y, ulp, truth) if witness.index is None else witness.index
    if truth.fixed[0, index]:
        return Account(y, ulp, index, None, "the special-value policy fixes this element")
    if subject.declaration.bound == "exact":
        return Account(y, ulp, index, None, "each element is the exact value, rounded once")
    if len(row.x) > _MOST_FOLLOWED:
        reason = f"its steps are followed in rows of up to {_MOST_FOLLOWED} logits"
        return Account(y, ulp, index, None, reason)
    added, reason = _followed(subject, row, truth, index)
    return Account(y, ulp, index, added, reason)


def _worst(y: NDArray[np.float64], ulp: NDArray[np.float64], truth: Truth) -> int:
    lost = ~np.isfinite(y) & np.isfinite(truth.rounded[0])
    return int(np.argmax(np.where(lost, np.inf, np.nan_to_num(np.abs(ulp)))))


def _followed(
    subject: Subject, row: Explained, truth: Truth, index: int
) -> tuple[list[Added] | None, str]:
    trace, block = Trace(), row.witness.block
    if not isinstance(subject.caller, Here):
        return None, _UNSEEN
    try:
        with np.errstate(all="ignore"):
            y = np.asarray(subject.declaration(trace.started(block.copy())))
    except (TypeError, ValueError, AttributeError) as error:
        return None, f"its steps cannot be seen: {error}"
    final = trace.final(y)
    if final is None:
        return None, _UNSEEN
    ulp = float(truth.ulp[0, index])
    found = attributed(trace.steps[: final + 1], block, row.witness.row, index, ulp)
    if found is None:
        return None, "its steps cannot be followed: one of them has no exact counterpart here"
    exactly, added = found
    z = truth.value[0, index]
    if abs(float(exactly) - z) > max(_AGREES * z, ulp * _AGREES):
        return None, "its steps cannot be followed: taken exactly, their result is not softmax"
    return added, ""


def parsed_row(words: tuple[str, ...]) -> NDArray[np.float64]:
    """The numbers written in `words`, also between commas: decimal or hexadecimal, inf and nan."""
    numbers = []
    for word in (part for text in words for part in text.split(",") if part):
        try:
            numbers.append(float.fromhex(word) if "0x" in word.lower() else float(word))
        except (ValueError, OverflowError):
            raise BadData(
                f"{word!r} is not a number: expected numbers such as 2.0 -1e4 0x1.8p+1 -inf"
            ) from None
    return np.array(numbers)


def literal(numbers: NDArray[Any], problem: Problem) -> Witness:
    """The row of `numbers` rounded to the input format, no element of it picked out."""
    with np.errstate(over="ignore"):
        return Witness(problem, numbers[None].astype(problem.input_format.dtype), 0, None)
