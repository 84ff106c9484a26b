"""The truth that was found last: `exact` is asked what it is judged by, and need not find it again.

Only this process remembers, and only one block; what is remembered goes with the arrays themselves.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from weakref import ref

import numpy as np
from numpy.typing import NDArray

from softmax_harness.operations import Operands, Problem
from softmax_harness.truth.tiers import ExactResults


@dataclass(frozen=True)
class _Found:
    """A problem, the arrays that an implementation is called with, and the truth.

    Of logits it is known too what they were, for an implementation may have written into them.
    """

    problem: Problem
    arguments: tuple[ref[NDArray[Any]], ...]
    x: NDArray[np.float64]
    exact_results: ExactResults

    def is_of(self, problem: Problem, arguments: Operands) -> bool:
        if self.problem != problem or len(self.arguments) != len(arguments):
            return False
        pairs = zip(self.arguments, arguments, strict=True)
        if not all(own() is given for own, given in pairs):
            return False
        return not problem.operation.takes_logits or np.array_equal(
            arguments[0].astype(np.float64), self.x, equal_nan=True
        )


_last: list[_Found] = []


def remember(
    problem: Problem,
    arguments: Operands,
    x: NDArray[np.float64],
    found: ExactResults,
) -> None:
    """Keep the truth of these arguments of an implementation, whose logits are x, until the next.

    The truth may be improved later, as `confirm` does.
    """
    _last[:] = [_Found(problem, tuple(map(ref, arguments)), x, found)]


def remembered(problem: Problem, arguments: Operands) -> ExactResults | None:
    """The truth, if it was found last, of the very same arrays with the same logits in them."""
    for found in _last:
        if found.is_of(problem, arguments):
            return found.exact_results
    return None
