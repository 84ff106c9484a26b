"""One row of any operation: the exact results, and the results of each implementation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax_harness.explain.numbers import number_text, result_text, with_error
from softmax_harness.explain.places import cells, places
from softmax_harness.inputs.witness import Witness
from softmax_harness.judgement.measure import Question, question
from softmax_harness.operations import Operation
from softmax_harness.subjects.subject import Subject

Array = NDArray[np.float64]


@dataclass(frozen=True)
class RowResults:
    """A row of an operation in detail.

    Attributes
    ----------
    witness : Witness
    asked : Question
        The whole block, since the bits of a result may depend on where its row stands.
    """

    witness: Witness
    asked: Question

    @classmethod
    def of(cls, witness: Witness) -> RowResults:
        """The row of a witness; its operands are made again as a run makes them."""
        return cls(witness, question(witness.problem, witness.block, witness.operands))

    @property
    def operation(self) -> Operation:
        """What is computed."""
        return self.asked.operation

    @property
    def exact(self) -> Array:
        """The exact results to the precision of float64, shape (m,)."""
        return np.asarray(self.asked.truth.value[self.witness.row])

    @property
    def rounded(self) -> Array:
        """The correctly rounded results, shape (m,)."""
        return np.asarray(self.asked.truth.rounded[self.witness.row])

    def results(self, subject: Subject) -> tuple[Array, Array] | str:
        """An implementation's results and their errors in ulp, or what was wrong with the call."""
        reply = subject.call(self.witness.block, self.asked.operands)
        if (y := reply.values) is None:
            return "; ".join(reply.messages)
        asked = self.asked
        if subject.problem.output_format != asked.truth.format:
            asked = question(subject.problem, self.witness.block, asked.operands)
        batch = asked.batch_of(y.reshape(asked.truth.rounded.shape))
        return batch.y[self.witness.row], batch.ulp_error[self.witness.row]


def row_text(row: RowResults, subjects: list[Subject]) -> str:
    """The row as lines of text."""
    witness = row.witness
    logits = _numbers(witness.block[witness.row], witness.index)
    lines = [
        f"{row.operation.name}: {row.operation.summary}",
        f"logits as {witness.format.name} stores them: {logits}",
        *(f"operand: {_numbers(each[witness.row])}" for each in row.asked.operands),
        f"exact results, rounded: {_results(row)}",
    ]
    for subject in subjects:
        found = row.results(subject)
        lines += ["", subject.name]
        if isinstance(found, str):
            lines.append(f"  gave nothing to judge: {found}")
            continue
        format = subject.problem.output_format
        texts = [with_error(y, ulp, format) for y, ulp in zip(*found, strict=True)]
        lines.append(f"  gives  {_shown(texts, witness.index)}")
    return "\n".join(lines)


def _results(row: RowResults) -> str:
    texts = [result_text(each, row.asked.truth.format) for each in row.rounded]
    return _shown(texts, row.witness.index)


def _numbers(values: NDArray[Any], chosen: int | None = None) -> str:
    flat = np.ravel(values)
    written = places(flat.size, chosen)
    own = flat[written]
    texts = [number_text(each) if own.dtype.kind == "f" else str(each) for each in own]
    return cells(flat.size, written, texts)


def _shown(texts: list[str], chosen: int | None) -> str:
    written = places(len(texts), chosen)
    return cells(len(texts), written, [texts[place] for place in written])
