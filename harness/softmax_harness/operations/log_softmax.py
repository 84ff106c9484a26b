"""log_softmax: z_i = x_i - log sum_j exp(x_j), the logarithm of softmax.

Laws: shifting all logits changes nothing; exp(z) sums to 1; each z is below 0.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.formats import Format
from softmax_harness.operations import bounds, rows, screen, softmax, steps
from softmax_harness.operations.balls import Ball, exact, logarithm_of_one_and, total
from softmax_harness.operations.enclosure import Array, Enclosure
from softmax_harness.operations.long_sums import KNOWN_BITS, Rest
from softmax_harness.operations.operand import Operands
from softmax_harness.operations.operation import ANYTHING, CheapLimit, Degenerate, Operation, Policy
from softmax_harness.operations.screen import Screened
from softmax_harness.operations.screen.difference import LOG_SOFTMAX
from softmax_harness.operations.steps import ExactSteps

_GUARD = 16


def enclose(x: Array, operands: Operands, precision: int) -> list[Enclosure | None]:
    """z = (x_i - a) - L with L = log sum exp(x - a): the first exact, both of one sign.

    For more than one finite entry z is no algebraic number: else exp(z) sum exp(x_j - x_i) = 1
    would contradict Lindemann-Weierstrass.
    """
    row = rows.distinct_logits(x)
    log = rows.log_of_sum(row, precision)
    top = exact(row.values[-1])
    distinct = [of_distance(total([exact(each), -top]), log, precision) for each in row.values]
    return [distinct[place] if place >= 0 else None for place in row.place.tolist()]


def of_distance(below: Ball, log: Ball, precision: int) -> Enclosure:
    """(x_i - a) - L; exactly 0 for the only entry of its row."""
    return rows.exact_and_small(below, -log, precision)


def enclose_elements(rest: Rest, values: list[float], precision: int) -> list[Enclosure]:
    """`enclose` at some of the logits of a long row."""
    bits = min(precision, KNOWN_BITS) + _GUARD
    ones = Ball(rest.most - 1, 0)  # but one of the exponentials of the largest
    log, top = logarithm_of_one_and(total([ones, rest.others], bits), bits), exact(rest.top)
    return [of_distance(total([exact(each), -top]), log, bits) for each in values]


def special_values(
    x: Array, policy: Policy, operands: Operands = ()
) -> tuple[NDArray[np.bool_], Array]:
    """The logarithm of what softmax has there: -inf for what is masked, 0 for a row of one."""
    fixed, expected = softmax.special_values(x, policy)
    if not fixed.any():
        return fixed, expected
    with np.errstate(divide="ignore", invalid="ignore"):
        log = np.where(expected == ANYTHING, ANYTHING, np.log(expected))
        return fixed, np.where(fixed, log, 0.0)


def error_bound(x: Array, operands: Operands, z: Array, ulp: Array, format: Format) -> Array:
    """(x - a) - log1p(sum of the others): u A, the error of L, u |z|, and half a spacing."""
    known = rows.sums(x, format)
    return bound_from(known.distance, known.log_error, z, ulp, format)


def usual_bound(x: Array, operands: Operands, z: Array, ulp: Array, format: Format) -> Array:
    """(x - a) - log s: u A, the error of log s, u |z|, and half a spacing."""
    distance = rows.sums(x, format).distance
    return bound_from(distance, bounds.log_of_sum_error(x.shape[-1], format), z, ulp, format)


def bound_from(
    distance: Array, log_error: Array | float, z: Array, ulp: Array, format: Format
) -> Array:
    """The bound of (x - a) - L in ulp, from A, the error of L and the result."""
    setting = bounds.native(format, 0.0)
    with np.errstate(invalid="ignore", over="ignore"):
        absolute = setting.unit_roundoff * (distance + np.abs(z)) * (1.0 + 2.0**-6) + log_error
        return np.asarray(absolute / ulp + 0.5 * bounds.in_ulp(setting.smallest_subnormal, ulp))


def _limit_at_least(
    distance: Array, z: Array, ulp: Array, n: int, format: Format, *operands: Array
) -> Array:
    """u (A + |z|) and u (additions + 1) D / (1 + D), what L owes to the roundings of its sum.

    D is the sum of the others, and 1 / (1 + D) = exp(-L), L = |z| - A: 2**-50 of both is taken off
    for the rounding of A and of z.
    """
    size, below = np.abs(z), np.minimum(distance, rows.FARTHEST)
    log = np.maximum(size - below - 2.0**-50 * (size + below), 0.0)
    in_ulp = format.unit_roundoff / ulp
    of_sum = np.exp(-log)
    np.subtract(1.0, of_sum, out=of_sum)
    of_sum *= bounds.pairwise_additions(n) + 1.0
    limit = (below + size + of_sum) * in_ulp
    limit += 0.5 * bounds.in_ulp(format.smallest_subnormal, ulp)
    return np.asarray(limit)


def input_sensitivity(x: Array, operands: Operands, z: Array, format: Format) -> Array:
    """(1 - s_i) h_i + sum over j != i of s_j h_j, from the Jacobian delta_ij - s_j."""
    s, h = rows.sums(x, format).softmax, rows.half_ulps(x, format)
    return rows.sum_of_others(s) * h + rows.sum_of_others(s * h)


def screened(
    x: Array, operands: Operands, fixed: NDArray[np.bool_], expected: Array, format: Format
) -> Screened:
    """`softmax_harness.operations.screen.logs.log_softmax`."""
    return screen.log_softmax(x, fixed, expected, format)


OPERATION = Operation(
    "log_softmax",
    "z_i = x_i - log sum_j exp(x_j)",
    enclose,
    special_values,
    error_bound,
    input_sensitivity,
    usual_bound,
    screen=screened,
    # u |z| is half an ulp where z is a normal number, and so is half of eta elsewhere.
    cheap_limit=CheapLimit(lambda n, normal: np.full(normal.shape, 0.5), _limit_at_least),
    steps=ExactSteps(steps.logarithm, "subtract"),
    most=0.0,
    degenerate=Degenerate(of_lost_weight=-np.inf, of_infinite_sum=-np.inf),
    enclose_elements=enclose_elements,
    of_difference=LOG_SOFTMAX,
)
