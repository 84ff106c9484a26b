"""attention: z = softmax(q K' / sqrt d) V of one query, with a mask of the keys that it may see.

The products, their sums, the root and the exponentials are exact in the truth. What is held against
it errs by its matrix products as well as by its softmax: see
`softmax_harness.run.experiments.attention_shares`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.formats import Format
from softmax_harness.operations import bounds, rows, softmax, steps
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
from softmax_harness.operations.operand import Inputs, Operand, Operands
from softmax_harness.operations.operation import Array, Enclosure, Operation, Policy
from softmax_harness.operations.steps import ExactStep, ExactSteps

DEPTH, VALUES = 8, 3


def queries(stored: NDArray[Any], rng: np.random.Generator) -> Operands:
    """q, K, V and the mask, whose scores are about the given logits.

    Returns
    -------
    q : ndarray, shape (rows, 1, 8)
    k : ndarray, shape (rows, n, 8)
    v : ndarray, shape (rows, n, 3)
        In the format of the logits.
    mask : ndarray of bool, shape (rows, 1, n)
        True for the keys that are seen: those of finite logits.
    """
    rows_, n = stored.shape
    x = stored.astype(np.float64)
    seen = np.isfinite(x)
    q = rng.standard_normal((rows_, 1, DEPTH))
    q[..., 0] = np.sqrt(DEPTH)
    k = rng.standard_normal((rows_, n, DEPTH)) / 8
    k[..., 0] = np.where(seen, x, 0.0)
    v = rng.standard_normal((rows_, n, VALUES))
    with np.errstate(over="ignore"):
        q, k, v = (each.astype(stored.dtype) for each in (q, k, v))
    return q, k, v, seen[:, None, :]


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


def special_values(x: Array, policy: Policy, operands: Operands) -> tuple[NDArray[np.bool_], Array]:
    """What `policy` says of rows that see nothing, for each of the results."""
    _, _, values, mask = operands
    hidden = np.repeat(~mask.any(axis=-1), values.shape[-1], axis=1)
    nothing = np.full((1, 2), -np.inf)
    _, expected = softmax.special_values(nothing, policy)
    return hidden, np.where(hidden, expected[0, 0], 0.0)


def error_bound(x: Array, operands: Operands, z: Array, ulp: Array, format: Format) -> Array:
    """To first order: products and sums of depth d, scaling, a softmax, a pairwise sum."""
    q, k, v, mask = (each.astype(np.float64) for each in operands)
    setting = bounds.native(format, bounds.pairwise_additions(x.shape[-1]))
    u, eta, errors = setting.unit_roundoff, setting.smallest_subnormal, setting.errors
    depth = q.shape[-1]
    with np.errstate(invalid="ignore", over="ignore"):
        parts = q * k / np.sqrt(depth)
        scores = np.where(mask[:, 0, :] > 0, parts.sum(axis=-1), -np.inf)
        size = np.abs(parts).sum(axis=-1)
        known = rows.sums(scores, format)
        own = (depth + 2.0) * u * size + np.where(known.softmax > 0, u * known.distance, 0.0)
        own += errors.exp + depth * eta
        mean = (known.softmax * own).sum(axis=-1, keepdims=True)
        relative = own + mean + (2.0 * setting.additions + 3.0) * u
        lost = x.shape[-1] * (errors.exp_subnormal + 1.0) * eta
        effective_logits = known.softmax * np.expm1(np.minimum(relative, 600.0)) + lost
        absolute = np.einsum("rn,rnc->rc", effective_logits, np.abs(v)) + u * np.abs(z) + lost
        return np.asarray(1.1 * absolute / ulp)


def input_sensitivity(x: Array, operands: Operands, z: Array, format: Format) -> Array:
    """Half-ulp changes of q, k and v: sum of w_j |v_j - z| d_j + w_j h(v_j), w the weights.

    d_j = sum over c of (|q_c| h(k_jc) + |k_jc| h(q_c)) / sqrt d is what they do to a score.
    """
    q, k, v, mask = (each.astype(np.float64) for each in operands)
    h = rows.half_ulps
    with np.errstate(invalid="ignore", over="ignore"):
        root = np.sqrt(q.shape[-1])
        scores = np.where(mask[:, 0, :] > 0, (q * k).sum(axis=-1) / root, -np.inf)
        weights = rows.sums(scores, format).softmax[:, :, None]
        moved = (np.abs(q) * h(k, format) + np.abs(k) * h(q, format)).sum(axis=-1) / root
        apart = np.abs(v - z[:, None, :]) * moved[:, :, None]
        return np.asarray((weights * (apart + h(v, format))).sum(axis=1))


def seeing_nothing(format: Format) -> Inputs:
    """A query that sees none of its three keys."""
    x = np.zeros((1, 3), format.dtype)
    q, k, v, mask = queries(x, np.random.default_rng(0))
    return Inputs(x, (q, k, v, np.zeros_like(mask)))


def exact_steps(logits: list[Any], operands: Operands) -> list[ExactStep]:
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
    make_operands=queries,
    operands=(
        Operand("q", 2),
        Operand("k", 2, entries=0),
        Operand("v", 2, entries=0),
        Operand("mask", 2, entries=1, kind="bool"),
    ),
    takes_logits=False,  # the operands were made from them
    seeing_nothing=seeing_nothing,
    steps=ExactSteps(exact_steps, "weigh v"),
    numbers_per_logit=DEPTH + VALUES,
    has_axis=False,
)
