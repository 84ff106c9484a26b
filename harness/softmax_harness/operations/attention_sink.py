"""attention_sink: attention in which a sink, a logit of each query, takes weight and has no value.

z = sum_j exp(p_j) V_j / (exp(sink) + sum_j exp(p_j)), p = q K' / sqrt d over the keys that the
mask lets it see, as in gpt-oss. Laws: values of 1 give 1 - s, s the weight of the sink; a query
that sees no key gives 0.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.formats import FORMATS, Format, format_of
from softmax_harness.ground.row_reductions import row_any
from softmax_harness.operations import attention, not_finite, rows, steps
from softmax_harness.operations.attention import bound
from softmax_harness.operations.attention.asked import ANY, Asked
from softmax_harness.operations.attention.calls import whole_calls as calls_of_attention
from softmax_harness.operations.attention.exact import (
    EXTRA,
    Score,
    equal_scores,
    means,
    root_of,
    weight,
)
from softmax_harness.operations.attention.exact import enclose as of_keys_alone
from softmax_harness.operations.attention.fitted import CHOICES, fitted
from softmax_harness.operations.attention.inputs import queries
from softmax_harness.operations.attention.screen import screen_with_sink
from softmax_harness.operations.attention.shapes import scores
from softmax_harness.operations.attention.special import special_values as without_sink
from softmax_harness.operations.balls import ONE, Ball, exact, exponential, quotient, total
from softmax_harness.operations.enclosure import Array, Enclosure
from softmax_harness.operations.operand import Inputs, Operand, Operands, WholeCall, own_rows
from softmax_harness.operations.operation import OF_WEIGHTS, CheapLimit, Operation, Policy
from softmax_harness.operations.steps import ExactStep, ExactSteps

_SMALL = 5400  # numbers of a call beside the first ones
_LARGEST = FORMATS["float64"].largest
_NAN = 0.02  # of the queries that see a key, with a sink of NaN


def with_sinks(stored: NDArray[Any], rng: np.random.Generator, asked: Asked = ANY) -> Operands:
    """What attention takes, and the sinks: 0, about the largest score, far above, below, far below.

    A few are NaN, where a key is seen. None is -inf: who begins with the sink owes nothing there.

    Returns
    -------
    q, k, v, mask : ndarray
        As `softmax_harness.operations.attention.queries` makes them.
    sink : ndarray, shape (rows, 1, 1)
        In the format of the logits.
    """
    sink = _sinks(stored.astype(np.float64), format_of(stored), rng)
    found = queries(stored, rng, asked)
    is_seen = row_any(found[-1], keepdims=True)
    sink[is_seen & (rng.random(sink.shape) < _NAN)] = np.nan
    return (*found, sink)


def _sinks(x: Array, format: Format, rng: np.random.Generator) -> NDArray[Any]:
    """One for each row of scores or of what they are made from, shape (rows, 1, 1)."""
    top = np.max(np.where(np.isfinite(x), x, -np.inf), axis=-1, initial=-np.inf)
    top = np.where(np.isfinite(top), top, 0.0)
    near = rng.standard_normal(len(x))
    below = top - rng.uniform(4.0, 20.0, len(x))
    kinds = near, top + near, top + 30.0, top - 30.0, np.zeros(len(x)), below
    sink = np.choose(rng.choice(len(kinds), len(x), p=(0.25, 0.35, 0.1, 0.1, 0.1, 0.1)), kinds)
    most = _most(format)
    return format.stored(np.clip(sink, -most, most)[:, None, None])


def _most(format: Format) -> float:
    """The largest sink: kernels that take powers of 2 multiply it by log2 e in their own type."""
    own = FORMATS[format.wider] if format.is_narrow and format.wider else format
    return min(format.largest, own.largest / 2.0)


def whole_calls(format: Format, seed: int, asked: Asked = ANY) -> Iterator[WholeCall]:
    """The first ones of attention and small ones, with sinks, (..., L, 1), of a query or of a head.

    That of the last head counts as much as its keys, for its first query and for its last.
    """
    rng = np.random.default_rng(np.random.SeedSequence([seed, 1]))
    for place, call in enumerate(calls_of_attention(format, seed, asked, _SMALL)):
        sink = _sinks(np.concatenate([each.x for each in call.blocks]), format, rng)
        queries_ = call.arguments[0].shape[-2]
        for row in (-queries_, -1):
            sink[row] = _beside(_last_scores(call)[row], format, rng)
        of_call = sink.reshape(*call.arguments[0].shape[:-1], 1)
        if place % 2:
            of_call[...] = of_call[..., :1, :]
        own = np.split(sink, np.cumsum([len(each.x) for each in call.blocks[:-1]]))
        blocks = tuple(
            Inputs(each.x, (*each.operands, sinks))
            for each, sinks in zip(call.blocks, own, strict=True)
        )
        yield WholeCall(call.told, (*call.arguments, of_call), blocks)


def _last_scores(call: WholeCall) -> Array:
    """Those of the queries of the last head, -inf where a key is hidden."""
    return scores(call.blocks[-1].operands)


def _beside(own: Array, format: Format, rng: np.random.Generator) -> NDArray[Any]:
    """A sink about the largest score of a query, 0 where it has none."""
    finite = own[np.isfinite(own)]
    near = finite.max() + rng.standard_normal() if finite.size else 0.0
    most = _most(format)
    return format.stored(np.clip(np.array(near), -most, most))


def enclose(x: Array, operands: Operands, precision: int) -> list[Enclosure | None]:
    """Means of the values, and of 0 for the sink, weighted by exp(e - max e).

    e is p / sqrt d for a key, p = q.k exactly. Equal exponents are counted together, the sink with
    keys of just its own; different ones are different algebraic numbers, so that all is as for
    attention.
    """
    q, k, v, mask, sink = operands
    if np.isneginf(sink[0, 0]):
        return of_keys_alone(x, operands[:4], precision)
    depth, own = q.shape[-1], exact(float(sink[0, 0]))
    found = equal_scores(q[0], k, mask[0])
    exponents: list[Score | None] = list(found)
    groups = list(found.values())
    last = len(v)  # the sink as a key, whose value is 0
    place = bisect_left(list(found), 0, key=lambda score: _compared(Ball(*score), own, depth))
    if place < len(found) and not _compared(Ball(*list(found)[place]), own, depth):
        groups[place].append(last)
    else:
        exponents.insert(place, None)
        groups.insert(place, [last])
    more = precision + EXTRA + sum(map(len, groups)).bit_length()
    terms = [_weight(each, exponents[-1], own, depth, more) for each in exponents]
    values = not_finite.without(v.astype(np.float64))  # of which the others are fixed
    return means(np.vstack([values, np.zeros(v.shape[-1])]), groups, terms, precision)


def _compared(score: Ball, sink: Ball, depth: int) -> int:
    """The sign of score / sqrt d - sink: that of the difference of signed squares."""
    of_score = Ball(score.man * abs(score.man), 2 * score.exp)
    of_sink = Ball(depth * sink.man * abs(sink.man), 2 * sink.exp)
    difference = total([of_score, -of_sink]).man
    return (difference > 0) - (difference < 0)


def _weight(score: Score | None, top: Score | None, sink: Ball, depth: int, bits: int) -> Ball:
    """exp of an exponent less the largest one; None stands for the sink."""
    if score is not None and top is not None:
        return weight(score, top, depth, bits)
    if score == top:
        return ONE
    key = score if top is None else top
    assert key is not None
    return _exponential_of_difference(Ball(*key), sink, depth, bits, key_is_top=score is None)


def _exponential_of_difference(
    key: Ball, sink: Ball, depth: int, bits: int, *, key_is_top: bool
) -> Ball:
    """exp(-|key / sqrt d - sink|) with as many bits more as the two share."""
    more = bits + 4 + max(key.magnitude, sink.magnitude, 0)
    while True:
        root = root_of(depth, more)
        scaled = quotient(key, root, more)
        below = total([sink, -scaled] if key_is_top else [scaled, -sink], more)
        is_exact = not below.rad  # as for a score of 0
        if is_exact or below.rad.bit_length() + below.exp < -bits - 4:
            return exponential(below, bits + 4)
        more *= 2


def special_values(x: Array, policy: Policy, operands: Operands) -> tuple[NDArray[np.bool_], Array]:
    """0 for a query that sees no key: all weight is the sink's; as in attention where it sees some.

    A sink of -inf is none; with it a query that sees no key gives anything, with +inf every query.
    """
    _, _, values, mask, sink = operands
    fixed, expected = without_sink(x, policy, operands[:4])
    hidden = np.repeat(~mask.any(axis=-1), values.shape[-1], axis=1)
    special = fixed, np.where(hidden, 0.0, expected)
    none = np.isneginf(sink[:, 0].astype(np.float64))
    own = np.where(none & ~hidden, 0.0, sink[:, 0].astype(np.float64))
    return not_finite.with_operand(special, policy, x.shape[-1], own)


def error_bound(x: Array, operands: Operands, z: Array, ulp: Array, format: Format) -> Array:
    """Attention's, the sink being a key whose value is 0 and whose score is known less well."""
    return bound.error_bound(x, _as_attention(operands), z, ulp, format)


def narrowed_bound(x: Array, operands: Operands, z: Array, ulp: Array, format: Format) -> Array:
    """Attention's, with the sink as in `error_bound`."""
    return bound.narrowed_bound(x, _as_attention(operands), z, ulp, format)


def lost_by_flushing(x: Array, operands: Operands, z: Array, format: Format) -> Array:
    """Attention's, with the sink as in `error_bound`."""
    return bound.lost_by_flushing(x, _as_attention(operands), z, format)


def _as_attention(operands: Operands) -> Operands:
    """Operands of attention with nearly these scores, and the sink's as that of a last key.

    A dimension more, of which only the last key has 1 and each query its sink, and sqrt(d + 1) in
    place of sqrt d. Rows that share keys or values share these, too.
    """
    q, k, v, mask, sink = operands
    depth, sink = q.shape[-1], sink.astype(np.float64)
    has_sink = sink != -np.inf
    known = np.where(has_sink & ~np.isnan(sink), sink, 0.0)  # beside NaN all is fixed
    with np.errstate(over="ignore"):
        score = np.clip(known * np.sqrt(depth + 1), -_LARGEST, _LARGEST)
    query = np.concatenate([q.astype(np.float64) * np.sqrt((depth + 1) / depth), score], axis=-1)
    keys = _with_last(k, columns=1)
    keys[:, -1, -1] = 1.0
    seen = np.concatenate([mask, has_sink], axis=-1)
    shared = (np.broadcast_to(each, (len(q), *each.shape[1:])) for each in (keys, _with_last(v)))
    return query, *shared, seen


def _with_last(array: NDArray[Any], columns: int = 0) -> Array:
    """What rows have of their own, or what all share, with 0 for a last key and more columns."""
    return np.pad(own_rows(array).astype(np.float64), ((0, 0), (0, 1), (0, columns)))


def input_sensitivity(x: Array, operands: Operands, z: Array, format: Format) -> Array:
    """Half-ulp changes of all operands: sum of w_j |v_j - z| d_j + w_j h(v_j), w the weights.

    d_j = sum over c of (|q_c| h(k_jc) + |k_jc| h(q_c)) / sqrt d is what they do to a score; of the
    sink, whose value is 0, it is h(sink).
    """
    q, k, v, _, sink = (each.astype(np.float64) for each in operands)
    h = rows.half_ulps
    with np.errstate(invalid="ignore", over="ignore"):
        root = np.sqrt(q.shape[-1])
        weights = rows.sums(effective_logits(x, operands), format).softmax[:, :, None]
        moved = (np.abs(q) * h(k, format) + np.abs(k) * h(q, format)).sum(axis=-1) / root
        apart = np.abs(v - z[:, None, :]) * moved[:, :, None]
        found = (weights[:, :-1] * (apart + h(v, format))).sum(axis=1)
        return np.asarray(found + weights[:, -1] * np.abs(z) * h(sink[:, 0, :], format))


def effective_logits(x: Array, operands: Operands) -> Array:
    """The scores, and the sink after them."""
    sink = operands[4].astype(np.float64)[:, 0, :]
    return np.concatenate([scores(operands[:4]), sink], axis=-1)


def seeing_nothing(format: Format) -> Inputs:
    """A query that sees none of its three keys."""
    x = np.zeros((1, 3), format.dtype)
    q, k, v, mask, sink = with_sinks(x, np.random.default_rng(0))
    return Inputs(x, (q, k, v, np.zeros_like(mask), sink))


def exact_steps(logits: Sequence[Any], operands: Operands) -> list[ExactStep]:
    """The scores q.k / sqrt d of what is seen, the sink last, and their softmax."""
    found = attention.exact_steps(logits, operands[:4])[0]
    several = [*found.values, *steps.as_mpf(operands[4].ravel())]
    return [ExactStep("q.k / sqrt d, sink", several), *steps.normalised(several)]


OPERATION = Operation(
    "attention_sink",
    "z = sum_j e_j V_j / (exp(sink) + sum_j e_j), e = exp(q K' / sqrt d)",
    enclose,
    special_values,
    error_bound,
    input_sensitivity,
    narrowed_bound=narrowed_bound,
    screen=screen_with_sink,
    cheap_limit=CheapLimit(bound.least_of_rows, of_operands=bound.least_of_seeing_rows),
    make_operands=with_sinks,
    steps=ExactSteps(exact_steps, "weigh v"),
    whole_calls=whole_calls,
    operands=(
        Operand("q", 2),
        Operand("k", 2, entries=0),
        Operand("v", 2, entries=0),
        Operand("mask", 2, entries=1, kind="bool", absent=1.0),
        Operand("sink", 2),
    ),
    takes_logits=False,  # the operands were made from them
    seeing_nothing=seeing_nothing,
    reach=bound.reach,
    lost_by_flushing=lost_by_flushing,
    degenerate=OF_WEIGHTS,
    numbers_per_logit=16,
    effective_logits=effective_logits,
    has_axis=False,
    choices=CHOICES,
    fitted=fitted,
)
