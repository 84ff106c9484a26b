"""One row to explain, and how each implementation came to its result."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax_harness.explain.attribution import Added, attributed
from softmax_harness.explain.exact_steps import exact_steps, is_defined, known_exactly
from softmax_harness.inputs.witness import Witness, held
from softmax_harness.judgement.metrics import ulp_error
from softmax_harness.operations import Operands, Problem
from softmax_harness.operations.enclosure import Array
from softmax_harness.operations.steps import ExactStep
from softmax_harness.subjects.isolation import Ended
from softmax_harness.subjects.subject import Subject, as_it_answers
from softmax_harness.truth import Truth, arbitrate

# Each step of each element goes through mpmath, as often as there are steps.
_MOST_FOLLOWED = 1 << 16
_UNSEEN = "its steps cannot be seen: they are not NumPy's ufuncs on the whole row"


@dataclass(frozen=True)
class Explained:
    """One row in detail.

    Attributes
    ----------
    witness : Witness
        Its block and operands, and its place in the block.
    """

    witness: Witness

    @property
    def problem(self) -> Problem:
        """What is computed."""
        return self.witness.problem

    @cached_property
    def x(self) -> Array:
        """The stored logits, shape (n,)."""
        return np.asarray(self.witness.block[self.witness.row].astype(np.float64))

    @cached_property
    def operands(self) -> Operands:
        """The row of each operand."""
        return tuple(each[self.witness.row] for each in self.witness.operands)

    @cached_property
    def truth(self) -> Truth:
        """The exact results, shape (1, m)."""
        return self.truth_of(self.problem)

    @cached_property
    def steps(self) -> list[ExactStep] | None:
        """The exact steps; None where the special-value policy decides the whole row."""
        if not is_defined(self.problem, self.x, self.operands):
            return None
        return exact_steps(self.problem, self.x, self.operands)

    @cached_property
    def ties(self) -> set[int]:
        """Which exact results lie in the middle between two numbers of the format."""
        places = np.flatnonzero(np.abs(self.truth.offset[0]) == 0.5).tolist()
        return known_exactly(self.problem, self.x, self.operands, places)

    def truth_of(self, problem: Problem) -> Truth:
        """The exact results in another format, or under another policy."""
        return arbitrate(problem, self.x[None], tuple(each[None] for each in self.operands))


@dataclass(frozen=True)
class Account:
    """The results and steps of one implementation on the row.

    Attributes
    ----------
    y : ndarray of float64, shape (m,), or None
        None where the call gave nothing to judge.
    ulp : ndarray of float64, shape (m,)
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


def account(subject: Subject, row: Explained, most: int = _MOST_FOLLOWED) -> Account:
    """Call the implementation on the row's block and follow its steps to the row's worst element.

    The block is called whole, since the bits of a result may depend on where its row stands.

    Parameters
    ----------
    most : int
        Logits of a row whose steps are followed.
    """
    witness = row.witness
    reply = subject.call(witness.block, witness.operands)
    if (results := reply.values) is None:
        nothing = np.full(row.truth.rounded.shape[1], np.nan)
        return Account(None, nothing, 0, None, "; ".join(reply.messages))
    policy = as_it_answers(subject).problem.policy
    truth = row.truth_of(replace(subject.problem, policy=policy))
    y = results.reshape(len(witness.block), -1)[witness.row]
    ulp = ulp_error(y[None], truth)[0]
    index = _worst(y, ulp, truth) if witness.index is None else witness.index
    if truth.fixed[0, index]:
        return Account(y, ulp, index, None, "the special-value policy fixes this element")
    if subject.declaration.bound == "exact":
        return Account(y, ulp, index, None, "each element is the exact value, rounded once")
    if len(row.x) > most:
        reason = f"a row of {len(row.x)} logits is too long: steps are followed in {most} and fewer"
        return Account(y, ulp, index, None, reason)
    added, reason = _followed(subject, row, truth, index)
    return Account(y, ulp, index, added, reason)


def _worst(y: NDArray[np.float64], ulp: NDArray[np.float64], truth: Truth) -> int:
    lost = ~np.isfinite(y) & np.isfinite(truth.rounded[0])
    return int(np.argmax(np.where(lost, np.inf, np.nan_to_num(np.abs(ulp)))))


def _followed(
    subject: Subject, row: Explained, truth: Truth, index: int
) -> tuple[list[Added] | None, str]:
    name = subject.problem.operation.name
    try:
        steps = subject.steps(row.witness.block, row.witness.operands)
    except (TypeError, ValueError, AttributeError, IndexError, Ended) as error:
        return None, f"its steps cannot be seen: {error}"
    if steps is None:
        return None, _UNSEEN
    place = row.witness.row * truth.value.shape[1] + index
    found = attributed(steps, place, truth, index)
    if isinstance(found, str):
        told = f" {name}" * found.endswith("not")
        return None, f"its steps cannot be followed: {found}{told}"
    return found, ""


def literal(numbers: NDArray[Any], problem: Problem) -> Witness:
    """The row of `numbers` rounded to the input format, no element of it picked out."""
    return Witness(problem, held(numbers[None], problem.input_format), 0, None)


def figured(row: Explained) -> list[tuple[str, Array]]:
    """What a picture shows of the row: logits and every step that gives more than one number."""
    problem, steps = row.problem, row.steps or []
    drawn = [(each.title, np.array([float(value) for value in each.values])) for each in steps[:-1]]
    shown = [("logits", row.x)] if problem.operation.takes_logits else []
    shown += [each for each in drawn if len(each[1]) > 1]
    return [*shown, (problem.operation.name, row.truth.value[0])]
