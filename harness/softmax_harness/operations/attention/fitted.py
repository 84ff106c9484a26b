"""Attention in the shapes that a kernel takes alone: one size of heads, blocks of queries, order.

``--head-dim``, ``--queries``, ``--causal`` and ``--no-mask`` say which.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax_harness.operations.attention.asked import Asked
from softmax_harness.operations.attention.several_queries import of_blocks
from softmax_harness.operations.attention.shapes import causal_mask
from softmax_harness.operations.operand import Operands
from softmax_harness.operations.operation import Choice, Operation

_MASK = "mask"
CHOICES = (
    Choice("head-dim", "Components of each query, key and value."),
    Choice("queries", "Queries of each call, in blocks that share their keys."),
    Choice("causal", "Each query sees the keys up to its own, and the last one all.", True),
    Choice("no-mask", "Call without a mask, which hides nothing but what is causal.", True),
)


def fitted(operation: Operation, fit: Mapping[str, int]) -> Operation:
    """The operation with inputs of what was chosen of `CHOICES` alone."""
    causal, left_out = bool(fit.get("causal")), (_MASK,) * fit.get("no-mask", 0)
    asked = Asked(fit.get("head-dim"), fit.get("queries"), causal, hides=_MASK not in left_out)
    own = replace(
        operation,
        make_operands=_asked(operation.make_operands, asked),
        whole_calls=_asked(operation.whole_calls, asked),
        seeing_nothing=operation.seeing_nothing if asked.hides and not causal else None,
        numbers_per_logit=max(operation.numbers_per_logit, 2 * (asked.head_dim or 0)),
        left_out=left_out,
    )
    several = of_blocks(own, asked.queries or 1)
    if not causal or several is own:
        return several
    return replace(several, make_operands=partial(_in_order, several), is_ordered=True)


def _asked(function: Any, asked: Asked) -> Any:
    return partial(function, asked=asked)


def _in_order(operation: Operation, stored: NDArray[Any], rng: np.random.Generator) -> Operands:
    """The operands of an operation, each query of which sees the keys up to its own."""
    found = operation.make_operands(stored, rng)
    names = [each.name for each in operation.operands]
    place, queries = names.index(_MASK), found[0].shape[1]
    order = causal_mask(queries, stored.shape[1], "lower-right")
    return (*found[:place], found[place] & order, *found[place + 1 :])
