"""attention: z = softmax(q K' / sqrt d) V of one query, with a mask of the keys that it may see.

The products, their sums, the root and the exponentials are exact in the truth. What is held against
it errs by its matrix products as well as by its softmax: see
`softmax_harness.run.experiments.attention_shares`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from softmax_harness.ground.formats import Format
from softmax_harness.operations import steps
from softmax_harness.operations.attention.bound import (
    error_bound,
    input_sensitivity,
    least_of_rows,
    least_of_seeing_rows,
    lost_by_flushing,
    narrowed_bound,
    reach,
)
from softmax_harness.operations.attention.calls import whole_calls
from softmax_harness.operations.attention.exact import enclose
from softmax_harness.operations.attention.fitted import CHOICES, fitted
from softmax_harness.operations.attention.inputs import queries
from softmax_harness.operations.attention.screen import screen as screened
from softmax_harness.operations.attention.shapes import scores
from softmax_harness.operations.attention.special import special_values
from softmax_harness.operations.enclosure import Array
from softmax_harness.operations.operand import Inputs, Operand, Operands
from softmax_harness.operations.operation import OF_WEIGHTS, CheapLimit, Operation
from softmax_harness.operations.steps import ExactStep, ExactSteps


def effective_logits(x: Array, operands: Operands) -> Array:
    """The scores, of which the given logits are only what the operands were made from."""
    return scores(operands)


def seeing_nothing(format: Format) -> Inputs:
    """A query that sees none of its three keys."""
    x = np.zeros((1, 3), format.dtype)
    q, k, v, mask = queries(x, np.random.default_rng(0))
    return Inputs(x, (q, k, v, np.zeros_like(mask)))


def exact_steps(logits: Sequence[Any], operands: Operands) -> list[ExactStep]:
    """The scores q.k / sqrt d of what is seen, and their softmax."""
    import mpmath

    q, k, _, mask = operands
    query, root = steps.as_mpf(q[0]), mpmath.sqrt(q.shape[-1])
    found = [mpmath.fdot(query, steps.as_mpf(key)) / root for key in k]
    seen = steps.kept(found, mask[0])
    return [ExactStep("q.k / sqrt d", seen), *steps.normalised(seen)]


OPERATION = Operation(
    "attention",
    "z = softmax(q K' / sqrt d) V",
    enclose,
    special_values,
    error_bound,
    input_sensitivity,
    narrowed_bound=narrowed_bound,
    screen=screened,
    cheap_limit=CheapLimit(least_of_rows, of_operands=least_of_seeing_rows),
    make_operands=queries,
    operands=(
        Operand("q", 2),
        Operand("k", 2, entries=0),
        Operand("v", 2, entries=0),
        Operand("mask", 2, entries=1, kind="bool", absent=1.0),
    ),
    takes_logits=False,  # the operands were made from them
    seeing_nothing=seeing_nothing,
    reach=reach,
    lost_by_flushing=lost_by_flushing,
    degenerate=OF_WEIGHTS,
    steps=ExactSteps(exact_steps, "weigh v"),
    whole_calls=whole_calls,
    numbers_per_logit=16,
    effective_logits=effective_logits,
    has_axis=False,
    choices=CHOICES,
    fitted=fitted,
)
