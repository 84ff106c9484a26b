"""logsumexp: z = log sum_j exp(x_j), one result of each row.

Laws: adding c to all logits adds c; max x <= z <= max x + log n. Condition: max|x| / |z|, which is
without bound near z = 0, where the sum of the exponentials is 1.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.formats import Format
from softmax_harness.operations import bounds, rows, screen, steps
from softmax_harness.operations.balls import exact
from softmax_harness.operations.enclosure import Array, Enclosure
from softmax_harness.operations.operand import Operands
from softmax_harness.operations.operation import Degenerate, Operation, Policy
from softmax_harness.operations.screen import Screened
from softmax_harness.operations.steps import ExactSteps

# Parts of a row that are merged in pairs, and how often a result is rounded on the way.
_PARTS = 8
_MERGED = 1.0 + math.log2(_PARTS)


def enclose(x: Array, operands: Operands, precision: int) -> list[Enclosure | None]:
    """a + L, exact for one finite entry; both may cancel, and then rising precision tells.

    For more than one z is no algebraic number, since exp(z) is a sum of exponentials.
    """
    row = rows.distinct_logits(x)
    log = rows.log_of_sum(row, precision)
    return [rows.exact_and_small(exact(row.values[-1]), log, precision)]


def special_values(
    x: Array, policy: Policy, operands: Operands = ()
) -> tuple[NDArray[np.bool_], Array]:
    """NaN where there is one, else +inf where there is one; -inf of nothing but -inf."""
    expected = np.zeros((len(x), 1))
    if x.size and np.isfinite(x).all():
        return expected != 0.0, expected
    expected[(x == -np.inf).all(axis=-1)] = -np.inf
    expected[(x == np.inf).any(axis=-1)] = np.inf
    expected[np.isnan(x).any(axis=-1)] = np.nan
    return expected != 0.0, expected


def error_bound(x: Array, operands: Operands, z: Array, ulp: Array, format: Format) -> Array:
    """a + log1p(sum of the others): the error of L, u |z|, and half a spacing."""
    setting = bounds.native(format, 0.0)
    with np.errstate(invalid="ignore", over="ignore"):
        absolute = rows.sums(x, format).log_error + setting.unit_roundoff * np.abs(z)
        return np.asarray((absolute + 0.5 * setting.smallest_subnormal) / ulp)


def usual_bound(x: Array, operands: Operands, z: Array, ulp: Array, format: Format) -> Array:
    """a + log s, of the row, or of parts of it that are merged: as logarithms of sums again.

    A kernel that shares a row among a few blocks has the result of each, rounded, and merges them
    at once or in pairs. Each of `_MERGED` results errs by u |z| and half a spacing: those
    of parts lie below z by log 1/w, with w their weight, so that on average over the weights they
    are no larger than |z| + log `_PARTS`. That and the logarithm of the merged sum is the error of
    a logarithm of so many terms.
    """
    setting = bounds.native(format, 0.0)
    with np.errstate(invalid="ignore", over="ignore"):
        absolute = bounds.log_of_sum_error(x.shape[-1], format)
        absolute += bounds.log_of_sum_error(_PARTS, format)
        each = setting.unit_roundoff * np.abs(z) + 0.5 * setting.smallest_subnormal
        return np.asarray((absolute + _MERGED * each) / ulp)


def input_sensitivity(x: Array, operands: Operands, z: Array, format: Format) -> Array:
    """sum of s_j h_j, from the gradient s."""
    s, h = rows.sums(x, format).softmax, rows.half_ulps(x, format)
    return np.asarray((s * h).sum(axis=-1, keepdims=True))


def screened(
    x: Array, operands: Operands, fixed: NDArray[np.bool_], expected: Array, format: Format
) -> Screened:
    """`softmax_harness.operations.screen.logs.logsumexp`."""
    return screen.logsumexp(x, fixed, expected, format)


OPERATION = Operation(
    "logsumexp",
    "z = log sum_j exp(x_j)",
    enclose,
    special_values,
    error_bound,
    input_sensitivity,
    usual_bound,
    screen=screened,
    steps=ExactSteps(steps.summed, "logarithm"),
    one_result=True,
    degenerate=Degenerate(of_lost_weight=-np.inf, of_infinite_sum=np.inf),
)
