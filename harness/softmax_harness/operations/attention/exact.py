"""attention enclosed to any precision with mpmath."""

from __future__ import annotations

import numpy as np

from softmax_harness.operations import rows
from softmax_harness.operations.balls import (
    ONE,
    Ball,
    exact,
    exponential,
    product,
    quotient,
    square_root,
    total,
)
from softmax_harness.operations.operation import Array, Enclosure, Operands


def enclose(x: Array, operands: Operands, precision: int) -> list[Enclosure | None]:
    """Means of the values weighted by exp((p_j - max p) / sqrt d), p = q.k exactly.

    Different p give exponents that are different algebraic numbers: equal ones are counted
    together first, so that what cancels exactly is seen to.
    """
    q, k, v, mask = operands
    query = [exact(each) for each in q[0].astype(np.float64).tolist()]
    found: dict[tuple[int, int], list[int]] = {}
    for key in np.flatnonzero(mask[0]).tolist():
        parts = zip(query, k[key].astype(np.float64).tolist(), strict=True)
        score = total([product(a, exact(b)) for a, b in parts if b])
        found.setdefault(_lowest_terms(score), []).append(key)
    least = min((exp for _, exp in found), default=0)
    scores = sorted(found, key=lambda score: score[0] << (score[1] - least))
    terms = [_weight(each, scores[-1], q.shape[-1], precision) for each in scores]
    counts = [len(found[each]) for each in scores]
    values = v.astype(np.float64)
    return [
        rows.weighted_mean(
            [total(exact(float(values[key, c])) for key in found[each]) for each in scores],
            counts,
            terms,
            precision,
        )
        for c in range(values.shape[-1])
    ]


def _lowest_terms(ball: Ball) -> tuple[int, int]:
    if not ball.man:
        return 0, 0
    zeros = (ball.man & -ball.man).bit_length() - 1
    return ball.man >> zeros, ball.exp + zeros


def _weight(score: tuple[int, int], top: tuple[int, int], depth: int, bits: int) -> Ball:
    if score == top:
        return ONE
    below = total([Ball(*score), -Ball(*top)])
    more = bits + 4 + max(below.magnitude, 0)
    return exponential(quotient(below, square_root(Ball(depth, 0), more), more), bits + 4)
