"""Finds a mean error where honest kernels have none; no single element shows it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from softmax_harness.check.contract.accuracy import JudgedBlock
from softmax_harness.check.contract.finding import Finding, key_of
from softmax_harness.judgement.metrics import Batch
from softmax_harness.operations import Operation
from softmax_harness.subjects.subject import Subject

# Of two logits at most 1 apart honest kernels err by 0.05 ulp in the mean, a truncated result by
# -0.5, one that is an ulp off by 1; a mean over 10**4 rows spreads by less than 0.01.
LIMIT = 0.25
_FEWEST = 10_000


# A bias of one side is no mean of all where another side has the opposite one.
_GROUPS: dict[str, Callable[[Batch], NDArray[np.bool_]]] = {
    "all of them": lambda batch: np.ones(batch.z.shape, bool),
    "the larger of the two": lambda batch: batch.z >= 0.5,
    "the smaller of the two": lambda batch: batch.z < 0.5,
    "results at even places": lambda batch: _place(batch) % 2 == 0,
    "results at odd places": lambda batch: _place(batch) % 2 == 1,
}


def _place(batch: Batch) -> NDArray[np.int64]:
    return np.broadcast_to(np.arange(batch.z.shape[-1]), batch.z.shape)


def _keeps_logits(operation: Operation) -> bool:
    """Whether its results are shares of the logits as they are, not multiplied or divided first."""
    return operation.is_distribution and all(each.kind != "float" for each in operation.operands)


@dataclass
class _Sum:
    witness: str
    total: float = 0.0
    count: int = 0


class Bias:
    """Adds up the signed errors of the rows of unbiased families, for each length of them."""

    def __init__(self) -> None:
        self._sums: dict[tuple[int, str], _Sum] = {}

    def see(self, block: JudgedBlock) -> None:
        """Note the errors of a block; what is masked has none, and faults tell of themselves."""
        is_due = block.recipe.family.is_unbiased and _keeps_logits(block.found.asked.operation)
        if not is_due or block.found.is_fault.any():
            return
        batch = block.found.batch
        known = ~batch.truth.fixed & ~np.isnan(batch.ulp_error)
        for group, chosen in _GROUPS.items():
            own = known & chosen(batch)
            if own.any():
                row, index = np.argwhere(own)[0].tolist()
                key = (block.recipe.n, group)
                found = self._sums.setdefault(key, _Sum(block.text(row, index)))
                found.total += float(batch.ulp_error[own].sum())
                found.count += int(own.sum())

    def findings(self, subject: Subject) -> Iterator[Finding]:
        """One for each group of results whose mean error is beyond `LIMIT`."""
        for (n, group), found in self._sums.items():
            mean = found.total / found.count
            if found.count >= _FEWEST and abs(mean) > LIMIT:
                yield Finding(
                    "bias",
                    f"the mean error is {mean:+.3f} ulp over {found.count} results ({group}) in "
                    f"rows of {n} with two logits at most 1 apart; honest kernels stay within 0.05",
                    "bias_ulp",
                    mean,
                    LIMIT,
                    found.witness,
                    key_of(subject).checking("accuracy"),
                    abs(mean),
                )
