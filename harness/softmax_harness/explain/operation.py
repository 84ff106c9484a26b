"""One row of any operation: the exact results, and the results of each implementation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from softmax_implementations import Implementation

from softmax_harness.inputs.witness import Witness
from softmax_harness.judgement.measure import Question, question
from softmax_harness.operations import OPERATIONS, Operation
from softmax_harness.subjects.call import call

Array = NDArray[np.float64]
_SHOWN = 6


@dataclass(frozen=True)
class Row:
    """A row of an operation in detail.

    Attributes
    ----------
    operation : Operation
    witness : Witness
    asked : Question
        The whole block, since the bits of a result may depend on where its row stands.
    """

    operation: Operation
    witness: Witness
    asked: Question

    @classmethod
    def of(cls, operation: str, witness: Witness) -> Row:
        """The row of a witness; its operands are made again as a run makes them."""
        about = OPERATIONS[operation]
        operands = about.make_operands(witness.block, witness.random_operands())
        asked = question(about, witness.block, witness.format, operands=operands)
        return cls(about, witness, asked)

    @property
    def exact(self) -> Array:
        """The exact results to the precision of float64, shape (m,)."""
        return np.asarray(self.asked.truth.value[self.witness.row])

    def results(self, implementation: Implementation) -> tuple[Array, Array] | str:
        """An implementation's results and their errors in ulp, or what was wrong with the call."""
        called = call(
            implementation,
            self.witness.block,
            operation=self.operation,
            operands=self.asked.operands,
        )
        if called.y is None:
            return "; ".join(called.faults)
        batch = self.asked.batch_of(called.y.reshape(self.asked.truth.rounded.shape))
        return batch.y[self.witness.row], batch.ulp_error[self.witness.row]


def row_text(row: Row, implementations: list[Implementation]) -> str:
    """The row as lines of text."""
    witness = row.witness
    lines = [
        f"{row.operation.name}: {row.operation.summary}",
        f"logits as {witness.format.name} stores them: {_numbers(witness.block[witness.row])}",
        *(f"operand: {_numbers(each[witness.row])}" for each in row.asked.operands),
        f"exact results, by mpmath: {_numbers(row.exact)}",
    ]
    for implementation in implementations:
        found = row.results(implementation)
        lines += ["", implementation.name]
        if isinstance(found, str):
            lines.append(f"  gave nothing to judge: {found}")
            continue
        pairs = list(zip(*found, strict=True))
        cells = [f"{y:.9g}" + ("" if np.isnan(e) else f" ({e:+.3g} ulp)") for y, e in pairs]
        lines.append(f"  gives  {'  '.join(cells[:_SHOWN])}{_more(len(cells))}")
    return "\n".join(lines)


def _numbers(values: NDArray[Any]) -> str:
    flat = np.ravel(values)
    shown = [f"{each:.9g}" if flat.dtype.kind == "f" else str(each) for each in flat[:_SHOWN]]
    return f"{'  '.join(shown)}{_more(flat.size)}"


def _more(size: int) -> str:
    return f"  ({size} in all)" if size > _SHOWN else ""
