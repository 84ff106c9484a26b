"""attention: z = softmax(q K' / sqrt d) V of one query, with a mask of the keys that it may see.

The products, their sums, the root and the exponentials are exact in the truth. What is held against
it errs by its matrix products as well as by its softmax: see
`softmax_harness.run.experiments.attention_shares`.
"""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from softmax_harness.operations.attention.bound import error_bound, input_sensitivity
from softmax_harness.operations.attention.exact import enclose
from softmax_harness.operations.attention.inputs import queries
from softmax_harness.operations.attention.screen import screen as screened
from softmax_harness.operations.attention.shapes import scores
from softmax_harness.operations.attention.special import special_values
from softmax_harness.operations.operation import Array, Operands, Operation


def effective_logits(x: Array, operands: Operands) -> Array:
    """The scores, of which the given logits are only what the operands were made from."""
    return scores(operands)


def called_with(stored: NDArray[Any], operands: Operands) -> Operands:
    """q, k, v and the mask; the logits that they were made from are no argument."""
    return operands


OPERATION = Operation(
    "attention",
    "z = softmax(q K' / sqrt d) V",
    enclose,
    special_values,
    error_bound,
    input_sensitivity,
    screen=screened,
    make_operands=queries,
    called_with=called_with,
    effective_logits=effective_logits,
    has_axis=False,
)
