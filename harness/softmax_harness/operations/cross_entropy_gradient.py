"""cross_entropy_gradient: z_i = softmax(x)_i - [i = t], the gradient of the loss by the logits.

Law: each row sums to 0. Near saturation s_t - 1 in floating point loses everything: what it should
be is minus the sum of the others.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.formats import Format
from softmax_harness.operations import bounds, rows, screen, softmax, steps
from softmax_harness.operations.balls import Ball
from softmax_harness.operations.cross_entropy import CLASS, at_target, targets
from softmax_harness.operations.enclosure import Array, Enclosure
from softmax_harness.operations.operand import Operands
from softmax_harness.operations.operation import ANYTHING, CheapLimit, Operation, Policy
from softmax_harness.operations.screen import Screened
from softmax_harness.operations.steps import ExactSteps

# Minus a sum of shares is below -1 by what it was rounded by; what is lower is no such sum.
_FARTHEST = 1.125


def enclose(x: Array, operands: Operands, precision: int) -> list[Enclosure | None]:
    """softmax where i != t; there -1 + softmax, or of a largest logit -(sum of the others) / sum.

    Neither cancels: the softmax of what is not the largest is below 1/2.
    """
    found = softmax.enclose_row(x, (), precision)
    target = int(operands[0])
    own = found[target]
    if own is None:
        found[target] = Enclosure(-1, 0, 0)  # of a class that is masked
        return found
    row = rows.distinct_logits(x)
    if row.place[target] < len(row.values) - 1:
        small = Ball(own.man, own.exp, own.slack)
        found[target] = rows.exact_and_small(Ball(-1, 0), small, precision)
        return found
    numerators = [Ball(-count, 0) for count in row.counts]
    numerators[-1] = Ball(1 - row.most, 0)
    terms = rows.weights(row.values, precision)
    found[target] = rows.weighted_mean(numerators, row.counts, terms, precision)
    return found


def special_values(x: Array, policy: Policy, operands: Operands) -> tuple[NDArray[np.bool_], Array]:
    """What softmax has there, less 1 at the true class.

    At a class that is masked the result is -1, but minus the sum of the others may have erred.
    """
    fixed, expected = softmax.special_values(x, policy)
    if not fixed.any():
        return fixed, expected
    expected = np.array(expected)
    target = operands[0][:, None]
    own = at_target(expected, operands)
    summed = np.isneginf(at_target(x, operands)) & (own == 0.0)
    if summed.any():
        summed &= np.count_nonzero(x > -np.inf, axis=-1, keepdims=True) > 1
        fixed = np.array(fixed)
        np.put_along_axis(fixed, target, at_target(fixed, operands) & ~summed, axis=-1)
    own = np.where(own == ANYTHING, ANYTHING, own - 1.0)
    np.put_along_axis(expected, target, own, axis=-1)
    return fixed, np.where(fixed, expected, 0.0)


def error_bound(x: Array, operands: Operands, z: Array, ulp: Array, format: Format) -> Array:
    """softmax's; for the true class the bound of the sum of the others over the sum of all."""
    s = rows.sums(x, format)
    limit = bounds.error_bound(x, np.abs(z), ulp, format)
    setting = bounds.native(format, bounds.pairwise_additions(x.shape[-1]))
    u, errors = setting.unit_roundoff, setting.errors
    with np.errstate(invalid="ignore", over="ignore"):
        drift = rows.times_distance(s.softmax, s.distance)
        drift *= u
        relative = 2.0 * ((setting.additions + 2.0) * u + errors.exp)
        target = operands[0][:, None]
        others = rows.sum_without(s.softmax, target)
        absolute = relative * others + rows.sum_without(drift, target)
        absolute += others * drift.sum(axis=-1, keepdims=True)
        lost = (2.0 * x.shape[-1] * errors.exp_subnormal + 0.5) * setting.smallest_subnormal
        own = 1.1 * absolute + lost
        np.put_along_axis(limit, target, own / at_target(ulp, operands), axis=-1)
    return limit


def _limit_at_least(
    distance: Array, z: Array, ulp: Array, n: int, format: Format, *operands: Array
) -> Array:
    """softmax's; at the true class, where alone z is below 0, the distance counts for nothing.

    There 2 (additions + 2) u times the sum of the others over that of all, |z|, is more.
    """
    apart = np.where(z > 0.0, distance, 0.0)
    return bounds.error_bound_at_least(apart, z, ulp, n, format)


def usual_bound(x: Array, operands: Operands, z: Array, ulp: Array, format: Format) -> Array:
    """That of exp(log_softmax), as frameworks have it, less 1 at the true class.

    To the bound of softmax it adds what the rounding of the exponent, -A - L, and the error of L
    do; to that of the true class, of which softmax has its error too, the rounding of the
    difference.
    """
    known = rows.sums(x, format)
    s = at_target(known.softmax, operands)
    s_ulp, top = format.ulp(s), x.max(axis=-1, keepdims=True)
    of_s = bounds.error_bound_in(top, x.shape[-1], at_target(x, operands), s, s_ulp, format)
    of_s = np.where(np.isneginf(at_target(x, operands)), 0.0, of_s)
    own = of_s * s_ulp + format.unit_roundoff * np.abs(at_target(z, operands))
    limit = error_bound(x, operands, z, ulp, format)
    with np.errstate(over="ignore"):
        own = np.maximum(own / at_target(ulp, operands), at_target(limit, operands))
        np.put_along_axis(limit, operands[0][:, None], own, axis=-1)
        return np.asarray(limit + rows.drift_of_log_softmax(known, format) / ulp)


def input_sensitivity(x: Array, operands: Operands, z: Array, format: Format) -> Array:
    """As softmax: s_i ((1 - s_i) h_i + sum over j != i of s_j h_j)."""
    s, h = rows.sums(x, format).softmax, rows.half_ulps(x, format)
    return s * (rows.sum_of_others(s) * h + rows.sum_of_others(s * h))


def screened(
    x: Array, operands: Operands, fixed: NDArray[np.bool_], expected: Array, format: Format
) -> Screened:
    """`softmax_harness.operations.screen.gradients.cross_entropy_gradient`."""
    return screen.cross_entropy_gradient(x, operands[0][:, None], fixed, expected, format)


OPERATION = Operation(
    "cross_entropy_gradient",
    "z_i = softmax(x)_i - [i = t]",
    enclose,
    special_values,
    error_bound,
    input_sensitivity,
    usual_bound,
    screen=screened,
    cheap_limit=CheapLimit(bounds.least_error_bound, _limit_at_least),
    make_operands=targets,
    operands=(CLASS,),
    steps=ExactSteps(steps.normalised, "less 1 at t"),
    least=-_FARTHEST,
    most=1.0,
)
