"""log_softmax_gradient: z_i = v_i - s_i sum_j v_j, s = softmax(x): what passes back through it.

v is the gradient of a loss by the results of log_softmax, z that by the logits. For v = -1 at the
true class and 0 elsewhere it is the gradient of cross-entropy. Laws: each row sums to 0; where v is
a multiple of s, z is 0.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.formats import Format, format_of
from softmax_harness.ground.row_reductions import row_sum
from softmax_harness.operations import (
    bounds,
    cross_entropy_gradient,
    flushing,
    not_finite,
    rows,
    softmax,
    steps,
)
from softmax_harness.operations.balls import (
    Ball,
    enclosure,
    exact,
    fraction,
    near_limit,
    product,
    quotient,
    total,
)
from softmax_harness.operations.enclosure import Array, Enclosure
from softmax_harness.operations.operand import (
    Operand,
    Operands,
    by_kind,
    of_some_calls,
    powers_of_two,
    some_beyond,
    some_of_two_classes,
    with_nans,
)
from softmax_harness.operations.operation import ANYTHING, CheapLimit, Operation, Policy
from softmax_harness.operations.screen import Screened, passed_back
from softmax_harness.operations.steps import ExactSteps

_SPREAD = 0.125


def incoming(stored: NDArray[Any], rng: np.random.Generator) -> Operands:
    """v in the format of the logits: normal, of one sign, -1 at one class, a constant, mostly 0, 0.

    And -1 at one class of which an eighth is spread over all, as label smoothing passes back.

    The sum over a row is at most a few hundred, however long the row, or that times a power of two.
    A few hold a NaN, and in formats of small range the sum of a few exceeds it. The constant is the
    power of two next below 1/n, what a mean over the row passes back, and its sum is exact in any
    order: added one by one, as by NumPy along other axes than the last, equal terms are rounded
    alike, and err more than those of a sum in pairs may. In some calls each row has -1 at one
    class, as cross-entropy passes back. Some are 1 at one class and -1 at another, as a preference
    passes back.
    """
    rows_, n = stored.shape
    made = rng.standard_normal((rows_, n))
    column = np.arange(n) == rng.integers(0, max(n, 1), (rows_, 1))
    mean, is_there = 2.0 ** -math.ceil(math.log2(max(n, 1))), rng.random(made.shape) < 0.2
    kind = rng.choice(7, (rows_, 1), p=(0.3, 0.2, 0.2, 0.1, 0.05, 0.1, 0.05))
    kinds = (
        lambda some: made[some],
        lambda some: 100.0 * np.abs(made[some]) * mean,
        lambda some: -column[some].astype(float),
        lambda some: np.array(mean),
        lambda some: 0.0 * made[some],
        lambda some: np.where(is_there[some], made[some], 0.0),
        lambda some: -(1.0 - _SPREAD) * column[some] - _SPREAD * mean,
    )
    format = format_of(stored)
    scale = powers_of_two(format, (rows_, 1), rng, 9)
    v = by_kind(kind[:, 0], kinds, n) * np.where(rng.random((rows_, 1)) < 0.2, scale, 1.0)
    v = some_of_two_classes(some_beyond(v, stored, format, rng), rng)
    v = with_nans(v, stored, rng)
    return (format.stored(of_some_calls(v, -column.astype(float), rng)),)


def enclose(x: Array, operands: Operands, precision: int) -> list[Enclosure | None]:
    """v_i - s_i V with V = sum v_j exactly; s_i as t_i / S, t = exp(x - a), S = sum of t.

    If V is 0, z is v_i. Otherwise, with more than one distinct logit, s_i and with it z is
    transcendental (Lindemann-Weierstrass), so that rising precision decides what cancels, but next
    to two numbers: to v_i where s_i is next to nothing, and to v_i - V / m at the largest logit.
    """
    row, values = rows.distinct_logits(x), operands[0].astype(np.float64).tolist()
    counts = Counter(values)
    v = {each: exact(each) for each in counts}
    whole = total(product(v[each], Ball(count, 0)) for each, count in counts.items())
    terms = rows.weights(row.values, precision)
    others = rows.rest(terms, row.counts, precision)
    denominator = total([Ball(row.most, 0), others], precision)

    def enclosed(place: int, own: Ball) -> Enclosure:
        if place == len(terms) - 1:
            return _at_largest(own, whole, row.most, others, precision)
        share = quotient(product(terms[place], whole, precision), denominator, precision)
        return rows.exact_and_small(own, -share, precision)

    entries = list(zip(row.place.tolist(), values, strict=True))
    # Of many entries few differ in formats of few bits.
    once = {each: enclosed(each[0], v[each[1]]) for each in set(entries) if each[0] >= 0}
    return [once.get(each) for each in entries]


def _at_largest(own: Ball, whole: Ball, most: int, others: Ball, bits: int) -> Enclosure:
    """v_i - V / (m + R), m times the largest logit: (v_i - V / m) + V R / (m (m + R)).

    The first part is exactly 0 where v_i m = V; the second, where R is next to nothing, too small
    to be added.
    """
    apart = total([product(own, Ball(most, 0)), -whole])
    if others.is_zero or whole.is_zero:
        return rows.ratio(apart, most, bits) if others.is_zero else enclosure(own)
    limit = fraction(apart) / most
    denominator = total([Ball(most, 0), others], bits)
    divisor = product(denominator, Ball(most, 0), bits)
    beyond = quotient(product(whole, others, bits), divisor, bits)
    if limit == 0:
        return enclosure(beyond)
    found = near_limit(limit, beyond)
    if found is not None:
        return found
    return enclosure(total([own, -quotient(whole, denominator, bits)], bits))


def special_values(x: Array, policy: Policy, operands: Operands) -> tuple[NDArray[np.bool_], Array]:
    """NaN where softmax has it, or v; v_i where softmax is 0, v_i less the sum where it is 1."""
    fixed, expected = softmax.special_values(x, policy)
    v = operands[0].astype(np.float64, copy=False)
    if not fixed.any():
        return not_finite.with_operand((fixed, expected), policy, x.shape[-1], v)
    with np.errstate(invalid="ignore", over="ignore"):
        passed = v - np.where(expected == 0.0, 0.0, expected * row_sum(v, keepdims=True))
    passed = np.where(expected == ANYTHING, ANYTHING, passed)
    special = fixed, np.where(fixed, passed, 0.0)
    return not_finite.with_operand(special, policy, x.shape[-1], v)


def error_bound(x: Array, operands: Operands, z: Array, ulp: Array, format: Format) -> Array:
    """A well-made softmax, a pairwise sum V, their product, and the difference."""
    v = operands[0].astype(np.float64)
    s = rows.sums(x, format).softmax
    setting = bounds.native(format, bounds.pairwise_additions(x.shape[-1]))
    u, eta = setting.unit_roundoff, setting.smallest_subnormal
    with np.errstate(invalid="ignore", over="ignore"):
        s_ulp = format.ulp(s)
        # In ulp: so few of the smallest subnormals are no number of float64.
        of_s = bounds.error_bound(x, s, s_ulp, format) * (s_ulp / ulp)
        whole = np.abs(row_sum(v, keepdims=True))
        lost = setting.additions * u * row_sum(np.abs(v), keepdims=True)
        found = of_s * whole
        of_s += s / ulp
        of_s *= lost + u * (whole + lost)
        found += of_s
        found[np.isnan(found)] = 0.0  # of a v of zeros, beside whose result any s is infinite
        found *= 1.1
        found += u * (np.abs(z) / ulp)
        found += bounds.in_ulp(eta, ulp)
        overflows = 1.01 * row_sum(np.abs(v), keepdims=True) > format.largest
        return np.where(overflows, np.inf, found)


def _limit_at_least(
    distance: Array, z: Array, ulp: Array, n: int, format: Format, *operands: Array
) -> Array:
    """((A + additions + 1) |s V| + |z|) u / ulp, where s V is v - z.

    With softmax's own such limit in place of its bound; 2**-52 of v and z is taken off for the
    rounding of both.
    """
    (v,) = operands
    size = np.abs(z)
    share = np.maximum(np.abs(v - z) - 2.0**-52 * (np.abs(v) + size), 0.0)
    additions = bounds.pairwise_additions(n) + 1.0
    # In ulp from the start: where z is subnormal products would be rounded up. And u first: in ulp
    # of a subnormal number 1 is beyond float64.
    in_ulp = format.unit_roundoff / ulp
    limit = (np.minimum(distance, rows.FARTHEST) + additions) * (share * in_ulp)
    limit += size * in_ulp
    limit += bounds.in_ulp(format.smallest_subnormal, ulp)
    return np.asarray(limit)


def usual_bound(x: Array, operands: Operands, z: Array, ulp: Array, format: Format) -> Array:
    """That of v - exp(log_softmax) V, as frameworks have it, which have kept log_softmax alone."""
    whole = np.abs(operands[0].astype(np.float64).sum(axis=-1, keepdims=True))
    limit = error_bound(x, operands, z, ulp, format)
    drift = rows.drift_of_log_softmax(rows.sums(x, format), format)
    with np.errstate(over="ignore", invalid="ignore"):
        return np.asarray(limit + 1.1 * whole * (drift / ulp))


def input_sensitivity(x: Array, operands: Operands, z: Array, format: Format) -> Array:
    """|V| times softmax's, from dz_i / dx_k = -V s_i (delta_ik - s_k)."""
    whole = np.abs(operands[0].astype(np.float64).sum(axis=-1, keepdims=True))
    return np.asarray(whole * cross_entropy_gradient.input_sensitivity(x, (), z, format))


def lost_by_flushing(x: Array, operands: Operands, z: Array, format: Format) -> Array:
    """What of |v_i| and, times s_i, of the sum is flushed, eta', and s_i V where s_i is.

    eta' are a few of the smallest normal numbers.
    """
    least, s = flushing.least_kept(format), flushing.weights(x)
    size = np.abs(operands[0].astype(np.float64))
    with np.errstate(invalid="ignore", over="ignore"):
        own = flushing.where_flushed(size, least)
        beside = flushing.SINGLE * least
        of_sum = s * (own.sum(axis=-1, keepdims=True) + beside)
        whole = np.where(s < least, s * size.sum(axis=-1, keepdims=True), 0.0)
        return np.asarray(own + of_sum + whole + beside)


def screened(
    x: Array, operands: Operands, fixed: NDArray[np.bool_], expected: Array, format: Format
) -> Screened:
    """`softmax_harness.operations.screen.passed_back`."""
    v = not_finite.without(operands[0].astype(np.float64, copy=False))
    return passed_back.log_softmax_gradient(x, v, fixed, expected, format)


OPERATION = Operation(
    "log_softmax_gradient",
    "z_i = v_i - softmax(x)_i sum_j v_j",
    enclose,
    special_values,
    error_bound,
    input_sensitivity,
    usual_bound,
    screen=screened,
    # u |z| is half an ulp where z is a normal number, eta an ulp elsewhere.
    cheap_limit=CheapLimit(lambda n, normal: np.full(normal.shape, 0.5), _limit_at_least),
    make_operands=incoming,
    steps=ExactSteps(steps.normalised, "v - s sum v"),
    operands=(Operand("v", 1, entries=0),),
    lost_by_flushing=lost_by_flushing,
)
