"""attention enclosed to any precision with mpmath."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from softmax_harness.operations import rows
from softmax_harness.operations.balls import (
    ONE,
    Ball,
    exact,
    exponential,
    quotient,
    square_root,
    total,
)
from softmax_harness.operations.operand import Operands
from softmax_harness.operations.operation import Array, Enclosure


def enclose(x: Array, operands: Operands, precision: int) -> list[Enclosure | None]:
    """Means of the values weighted by exp((p_j - max p) / sqrt d), p = q.k exactly.

    Different p give exponents that are different algebraic numbers: equal ones are counted
    together first, so that what cancels exactly is seen to.
    """
    q, k, v, mask = operands
    found: dict[tuple[int, int], list[int]] = {}
    seen = np.flatnonzero(mask[0])
    scored, exp = products(q[0].astype(np.float64), k[seen].astype(np.float64))
    for key, man in zip(seen.tolist(), scored, strict=True):
        found.setdefault(_lowest_terms(man, exp), []).append(key)
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


def products(q: Array, k: Array) -> tuple[list[int], int]:
    """q.k of each key, exactly, as integers in units of one power of two."""
    query, of_query = _integers(q)
    keys, of_keys = _integers(k)
    return [int(each) for each in keys @ query], of_query + of_keys


def _integers(values: Array) -> tuple[NDArray[np.object_], int]:
    """Numbers as Python's integers in units of one power of two."""
    fraction, exponent = np.frexp(values)
    exponent = np.where(values == 0, 0, exponent - 53)
    least = int(exponent.min(initial=0))
    man = np.ldexp(fraction, 53).astype(np.int64).astype(object)
    return man << (exponent - least).astype(object), least


def _lowest_terms(man: int, exp: int) -> tuple[int, int]:
    if not man:
        return 0, 0
    zeros = (man & -man).bit_length() - 1
    return man >> zeros, exp + zeros


def _weight(score: tuple[int, int], top: tuple[int, int], depth: int, bits: int) -> Ball:
    if score == top:
        return ONE
    below = total([Ball(*score), -Ball(*top)])
    more = bits + 4 + max(below.magnitude, 0)
    return exponential(quotient(below, square_root(Ball(depth, 0), more), more), bits + 4)
