"""label_smoothing: cross-entropy whose target is spread: 1 - eps to the class, eps over all.

z = (1 - eps) l_t + (eps / n) sum_j l_j with the losses l_j = log sum exp(x) - x_j, as
torch.nn.CrossEntropyLoss(label_smoothing=eps) has it (Szegedy et al., CVPR 2016); each row has an
eps of its own. Laws: eps = 0 gives cross_entropy; shifting all logits changes nothing; z >= 0.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.formats import FORMATS, Format, format_of
from softmax_harness.operations import (
    bounds,
    cross_entropy,
    log_softmax,
    not_finite,
    rows,
    screen,
    steps,
)
from softmax_harness.operations.balls import (
    ONE,
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
from softmax_harness.operations.operand import Operand, Operands, of_some_calls
from softmax_harness.operations.operation import (
    ANYTHING,
    INFINITY_OR_NAN,
    Degenerate,
    Operation,
    Policy,
)
from softmax_harness.operations.screen import Screened
from softmax_harness.operations.steps import ExactSteps

_SMOOTHING = (0.0, 0.0, 0.0005, 0.003, 0.01, 0.05, 0.0625, 0.1, 0.137, 0.2, 1 / 3, 0.5, 0.9, 1.0)
_DRAWN, _SMALL = 0.2, 0.1
_MOSTLY = 0.1


def targets(stored: NDArray[Any], rng: np.random.Generator) -> Operands:
    """One class for each row, as of cross_entropy, and eps, shape (rows, 1), of the format.

    In some calls all are 0.1.
    """
    eps = rng.choice(np.array(_SMOOTHING), (len(stored), 1))
    # No list is without gaps: some are any part of 1, some of any decade below it.
    least = math.log(_least(format_of(stored), stored.shape[-1]))
    drawn, small = rng.random(eps.shape), np.exp(rng.uniform(least, 0.0, eps.shape))
    eps = np.where(drawn < _DRAWN, rng.random(eps.shape), eps)
    eps = np.where(drawn < _SMALL, small, eps)
    eps = of_some_calls(eps, np.full_like(eps, _MOSTLY), rng)
    return (*cross_entropy.targets(stored, rng), eps.astype(stored.dtype))


def _least(format: Format, n: int) -> float:
    """The smallest eps of n classes: eps / n, where it is worked out, must not be 0."""
    worked_in = FORMATS[format.wider] if format.is_narrow and format.wider else format
    return max(format.smallest_subnormal, n * worked_in.smallest_normal)


def enclose(x: Array, operands: Operands, precision: int) -> list[Enclosure | None]:
    """L + B / n with L = log sum exp(x - a), B = n (1 - eps) (a - x_t) + eps sum (a - x_j) exactly.

    Neither is negative, so that nothing cancels. L is no algebraic number if there is more than
    one logit; where it is too small to be added, B / n is what z is next to, above it.
    """
    row, n = rows.distinct_logits(x), len(x)
    log = rows.log_of_sum(row, precision)
    below = _weighted_distance(x, int(operands[0]), float(operands[1][0]))
    if below.man and log.magnitude < below.magnitude - n.bit_length() - precision:
        found = near_limit(fraction(below) / n, log)
        if found is not None:
            return [found]
    whole = total([below, product(log, Ball(n, 0))], precision)
    return [enclosure(quotient(whole, Ball(n, 0), precision))]


def _weighted_distance(x: Array, target: int, smoothing: float) -> Ball:
    """n (1 - eps) (a - x_t) + eps sum (a - x_j); where eps is 0 the others may be masked."""
    eps, top = exact(smoothing), exact(float(x.max()))
    own = product(total([ONE, -eps]), total([top, -exact(float(x[target]))]))
    own = product(own, Ball(len(x), 0))
    if eps.is_zero:
        return own
    others = total([product(top, Ball(len(x), 0)), -rows.exact_total(x)])
    return total([own, product(eps, others)])


def special_values(x: Array, policy: Policy, operands: Operands) -> tuple[NDArray[np.bool_], Array]:
    """cross_entropy's; +inf where any class is masked, unless eps is 0; NaN if eps is.

    Where eps is 1 and the class itself is masked, 1 - eps = 0 multiplies an infinite loss, and
    NaN is as good.
    """
    target, eps = operands[0], operands[1].astype(np.float64)
    fixed, expected = log_softmax.special_values(x, policy)
    own_fixed = cross_entropy.at_target(fixed, (target,))
    if not fixed.any():
        special = own_fixed, np.zeros(own_fixed.shape)
        return not_finite.with_operand(special, policy, x.shape[-1], eps)
    own = cross_entropy.at_target(np.where(fixed, expected, 0.0), (target,))
    hidden = np.isneginf(np.where(fixed, expected, 0.0)).any(axis=-1, keepdims=True)
    infinite = hidden & (eps != 0.0)
    loss = np.where(own == ANYTHING, ANYTHING, 0.0 - own)  # of 0 not -0
    alone = (eps == 1.0) & (own == -np.inf)
    loss = np.where(infinite, np.where(alone, INFINITY_OR_NAN, np.inf), loss)
    special = own_fixed | infinite, np.where(own_fixed | infinite, loss, 0.0)
    return not_finite.with_operand(special, policy, x.shape[-1], eps)


def error_bound(x: Array, operands: Operands, z: Array, ulp: Array, format: Format) -> Array:
    """The error of L by log1p of the others, and the roundings of each loss, weight and sum."""
    known = rows.sums(x, format)
    return _bound(known, known.log_error, operands, z, ulp, format)


def usual_bound(x: Array, operands: Operands, z: Array, ulp: Array, format: Format) -> Array:
    """As `error_bound` with the error of log s, and with the class in one sum with all others.

    That is sum_j q_j l_j with q_t = (1 - eps) + eps / n, else q_j = eps / n, as Keras and Optax
    have it. Each term has three roundings of its loss, one of its product and the A additions of
    the sum; besides q_t has two, those of 1 - eps or eps / n and of their sum, and q_j has one. No
    term is negative, so that in all it is A + 6 of each: of (1 - eps) l_t A more than `_bound` has.
    """
    n, known = x.shape[-1], rows.sums(x, format)
    setting = bounds.native(format, bounds.pairwise_additions(n))
    apart = _bound(known, bounds.log_of_sum_error(n, format), operands, z, ulp, format)
    with np.errstate(invalid="ignore", over="ignore"):
        together = setting.additions * _loss_of_class(known, operands) / ulp
        return np.asarray(apart + 1.1 * setting.unit_roundoff * together)


def _bound(
    known: rows.Sums,
    log_error: Array | float,
    operands: Operands,
    z: Array,
    ulp: Array,
    format: Format,
) -> Array:
    """Of (1 - eps) l_t + eps mean(l): nothing cancels, so that roundings count relatively.

    Three of each loss, one of 1 - eps, one of each product, the additions of the mean and its
    division, and the sum; the errors of L, alike in all losses, count once. Infinite where the sum
    of the losses is no number of the format.
    """
    setting = bounds.native(format, bounds.pairwise_additions(known.distance.shape[-1]))
    u, eta = setting.unit_roundoff, setting.smallest_subnormal
    eps = operands[1].astype(np.float64)
    with np.errstate(invalid="ignore", over="ignore"):
        losses = known.distance + known.log
        own = _loss_of_class(known, operands)
        mean = np.where(eps == 0.0, 0.0, eps * losses.mean(axis=-1, keepdims=True))
        roundings = u * (6.0 * own + (setting.additions + 6.0) * mean)
        absolute = 1.1 * roundings + log_error + u * np.abs(z) + 4.0 * eta
        # A loss, or the sum of all, may exceed the format though their mean does not.
        whole = np.where(eps == 0.0, 0.0, losses.sum(axis=-1, keepdims=True))
        overflows = whole >= (1.0 - 2.0**-7) * format.largest
        return np.asarray(np.where(overflows, np.inf, absolute) / ulp)


def _loss_of_class(known: rows.Sums, operands: Operands) -> Array:
    """(1 - eps) l_t, shape (rows, 1); 0 where eps is 1, though the loss overflows."""
    kept = 1.0 - operands[1].astype(np.float64)
    loss = cross_entropy.at_target(known.distance + known.log, operands)
    return np.where(kept == 0.0, 0.0, kept * loss)


def input_sensitivity(x: Array, operands: Operands, z: Array, format: Format) -> Array:
    """sum of |s_j - (1 - eps) [j = t] - eps / n| h_j, the gradient times the changes."""
    target, smoothing = operands
    s, h = rows.sums(x, format).softmax, rows.half_ulps(x, format)
    eps = smoothing.astype(np.float64)
    slope = s - eps / x.shape[-1]
    at_class = np.arange(x.shape[-1]) == target[:, None]
    slope = np.where(at_class, slope - (1.0 - eps), slope)
    return np.asarray((np.abs(slope) * h).sum(axis=-1, keepdims=True))


def screened(
    x: Array, operands: Operands, fixed: NDArray[np.bool_], expected: Array, format: Format
) -> Screened:
    """`softmax_harness.operations.screen.smoothing.label_smoothing`."""
    target, eps = operands
    own = eps.astype(np.float64)
    return screen.label_smoothing(x, target[:, None], own, fixed, expected, format)


OPERATION = Operation(
    "label_smoothing",
    "z = (1 - eps) l_t + eps mean_j l_j, l_j = log sum_k exp(x_k) - x_j",
    enclose,
    special_values,
    error_bound,
    input_sensitivity,
    usual_bound,
    screen=screened,
    make_operands=targets,
    steps=ExactSteps(steps.logarithm, "smooth"),
    operands=(cross_entropy.CLASS, Operand("smoothing", 1)),
    one_result=True,
    sums_logits=True,
    least=0.0,
    degenerate=Degenerate(of_lost_weight=np.inf, of_infinite_sum=np.inf),
)
