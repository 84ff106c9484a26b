"""A finding in full: the smallest input that shows it, with its exact and computed value."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax_harness.check.contract import Finding
from softmax_harness.check.contract.elements import asked_of, judge
from softmax_harness.check.contract.promises import of_row
from softmax_harness.check.contract.shrink import Search, reduced
from softmax_harness.explain.command import explaining
from softmax_harness.inputs.witness import Witness, parse
from softmax_harness.inputs.written import literal_text
from softmax_harness.operations import Inputs
from softmax_harness.subjects.isolation import Fault
from softmax_harness.subjects.subject import Subject
from softmax_harness.truth.digits import exact_digits


def shown(finding: Finding, subject: Subject, loadable: str | None) -> Fault:
    """The finding as a fault whose message shows everything about it.

    Parameters
    ----------
    loadable : str or None
        The name by which a command finds the callable; None where it has none.
    """
    if finding.kind == "limit":
        finding = _smaller(finding, subject)
    return Fault(finding.kind, "\n".join(_lines(finding, subject, loadable)))


def _lines(finding: Finding, subject: Subject, loadable: str | None) -> Iterator[str]:
    yield finding.message
    if finding.witness:
        yield f"  witness   {finding.witness}"
        operation = subject.problem.operation.name
        yield from _element(parse(finding.witness, operation), subject)
    if finding.value is not None and finding.limit is not None:
        yield f"  {_size(finding.metric, finding.value, finding.limit)}"
    if finding.witness:
        operation = subject.problem.operation.name
        said = subject.said.words_of_calls
        yield f"  {explaining(finding.witness, loadable, operation, said)}"


def _size(metric: str, value: float, limit: float) -> str:
    if metric != "max_ulp":
        return f"{metric} {value:.6g}, limit {limit:.6g}"
    error = f"{value:.6g} ulp" if math.isfinite(value) else "not finite"
    return f"error     {error}, limit {limit:.6g} ulp"


def _element(witness: Witness, subject: Subject) -> Iterator[str]:
    """The exact and the computed value; the block is called whole, as when the fault was seen."""
    index = witness.index or 0
    row = witness.block[witness.row].astype(np.float64)
    operands = tuple(each[witness.row] for each in witness.operands)
    yield f"  exact     {exact_digits(subject.problem, row, index, operands) or 'anything'}"
    (reply,) = subject.ask([subject.request(witness.block, witness.operands)])
    if reply.y is not None:
        y = reply.y.reshape(len(witness.block), -1)
        yield f"  computed  {float(y[witness.row, index])!r}"


class _Beyond(Search):
    """Looks for rows beyond a limit."""

    def __init__(self, subject: Subject, metric: str, number: float) -> None:
        super().__init__(subject, "limit")
        self.metric, self.number = metric, number

    def is_shown(self, row: Inputs, y: NDArray[Any]) -> bool:
        """Whether the answer to a row is beyond the limit."""
        return self.of(row, y, "screened")[0] > self.number

    def of(self, row: Inputs, y: NDArray[Any], tier: str) -> tuple[float, int]:
        """The metric of the answer to a row, and where it is largest."""
        asked = asked_of(self.subject, *row, tier=tier)
        return of_row(self.metric, judge(asked, y, flushes=False).batch)


def _smaller(finding: Finding, subject: Subject) -> Finding:
    """A finding of a limit at the smallest row found that is beyond it, where one is, alone."""
    if finding.limit is None:
        return finding
    witness = parse(finding.witness, subject.problem.operation.name)
    row = Inputs(witness.block, witness.operands).row(witness.row)
    search = _Beyond(subject, finding.metric, finding.limit)
    if search.shown([row]) is None or (small := reduced(search, row)) is None:
        return finding
    (reply,) = subject.ask([subject.request(*small)])
    if reply.y is None:
        return finding
    value, index = search.of(small, reply.y, "mpmath")
    if not value > finding.limit:
        return finding
    text = literal_text(subject.problem, small, index)
    return replace(finding, value=value, witness=text)
