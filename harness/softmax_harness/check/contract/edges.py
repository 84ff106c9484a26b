"""Operands at the edge of what is defined: held where a policy states them, reported otherwise."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from softmax_harness.check.contract.elements import asked_of, judge
from softmax_harness.check.contract.finding import Finding, key_of
from softmax_harness.inputs.written import literal_text
from softmax_harness.operations import Edge
from softmax_harness.subjects.request import Reply
from softmax_harness.subjects.subject import Subject

KIND = "operand"


class Edges:
    """Asks for each edge of the operands of an operation.

    Attributes
    ----------
    reported : list of (str, str)
        What is particular about the operands, and what is given for them, where that is no fault.
    """

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self.reported: list[tuple[str, str]] = []

    def findings(self) -> Iterator[Finding]:
        """One for each edge that a policy states and that is not right."""
        edges, subject = self._subject.problem.operation.edges, self._subject
        for edge in () if edges is None else edges(subject.format):
            (reply,) = subject.ask([subject.request(*edge.inputs)])
            is_right, text, witness = _seen(subject, edge, reply)
            stated = edge.policy and getattr(subject.problem.policy, edge.policy)
            if not edge.policy or not stated:
                self.reported += [(edge.told, text)] if text else []
            elif not is_right:
                policy = f"{edge.policy.replace('_', '-')}={stated}"
                replay = f"{key_of(subject).checking('operands')} --policy {policy}"
                yield Finding(KIND, f"{edge.told} {text}", witness=witness, replay=replay)


def _seen(subject: Subject, edge: Edge, reply: Reply) -> tuple[bool, str, str]:
    """Whether all is right, what is given if that has to be told, and a witness."""
    if reply.y is None:
        return False, "; ".join(reply.messages), ""
    asked = asked_of(subject, *edge.inputs)
    found = judge(asked, reply.y, flushes=not subject.promises("subnormals"))
    if not found.is_fault.any():
        fixed = asked.truth.fixed.all(axis=-1)
        return True, _given(found.batch.y[fixed]) if fixed.any() else "", ""
    row = int(np.argmax(found.is_fault.any(axis=-1)))
    index = int(np.argmax(found.is_fault[row]))
    y, z = found.texts(row, index)
    witness = literal_text(subject.problem, edge.inputs.row(row), index)
    return False, f"gives {y}, but {z} is due", witness


def _given(y: NDArray[np.float64]) -> str:
    """What rows of results are, in words."""
    kinds = {
        "NaN": np.isnan(y).all(axis=-1),
        "0": (y == 0.0).all(axis=-1),
        "equal shares": (y == y[:, :1]).all(axis=-1) & (y[:, 0] > 0.0),
        "1 for one logit": ((y == 1.0).sum(axis=-1) == 1) & ((y == 0.0).sum(axis=-1) > 0),
    }
    named = [kind for kind, rows in kinds.items() if rows.any()]
    others = ["other numbers"] * bool((~np.logical_or.reduce(list(kinds.values()))).any())
    return f"gives {' or '.join([*named, *others])}"
