"""attention: z = softmax(q K' / sqrt d) V of one query, with a mask of the keys that it may see.

The products, their sums, the root and the exponentials are exact in the truth. What is held against
it errs by its matrix products as well as by its softmax: see
`softmax_harness.run.experiments.attention_shares`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax_harness.operations.attention.bound import error_bound, input_sensitivity
from softmax_harness.operations.attention.exact import enclose
from softmax_harness.operations.attention.queries import queries
from softmax_harness.operations.attention.screen import screen
from softmax_harness.operations.attention.slices import times
from softmax_harness.operations.attention.special import own_rows, special_values
from softmax_harness.operations.operation import Array, Operands, Operation


def scores(x: Array, operands: Operands) -> Array:
    """q.k / sqrt d in float64, shape (rows, n), -inf where a key is hidden."""
    q, k, _, mask = operands
    k = own_rows(k)
    across = np.swapaxes((k[0] if len(k) == 1 else k).astype(np.float64), -1, -2)
    with np.errstate(invalid="ignore", over="ignore"):
        found = times(q[:, 0].astype(np.float64), across) / np.sqrt(q.shape[-1])
    return np.where(mask[:, 0].astype(bool), found, -np.inf)


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
    screen=screen,
    make_operands=queries,
    called_with=called_with,
    effective_logits=scores,
    has_axis=False,
)
