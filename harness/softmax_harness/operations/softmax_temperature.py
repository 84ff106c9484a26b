"""softmax_temperature: softmax of x / T, T > 0 of the format: sharper below 1, flatter above.

Laws: T = 1 changes nothing; doubling logits and T changes nothing.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.formats import Format
from softmax_harness.operations import bounds, rows, softmax
from softmax_harness.operations.balls import exact, exponential, quotient, total
from softmax_harness.operations.operation import Array, Enclosure, Operands, Operation, Policy
from softmax_harness.operations.screen import Screened, screen_quotients

_TEMPERATURES = (0.1, 0.7, 1.0, 2.0, 3.0, 10.0)


def temperatures(stored: NDArray[Any], rng: np.random.Generator) -> Operands:
    """T of each row, shape (rows, 1), in the format of the logits."""
    chosen = rng.choice(np.array(_TEMPERATURES), (len(stored), 1))
    return (chosen.astype(stored.dtype),)


def enclose(x: Array, operands: Operands, precision: int) -> list[Enclosure | None]:
    """softmax from exp((x - a) / T): the difference is exact, the quotient has the bits it needs.

    The quotients are different algebraic numbers, so that all is as for softmax.
    """
    row = rows.distinct_logits(x)
    if len(row.values) == 1:
        return softmax.enclose_row(x, (), precision)
    work = precision + softmax.GUARD
    top, temperature = exact(row.values[-1]), exact(float(operands[0][0]))
    terms = []
    for value in row.values[:-1]:
        below = total([exact(value), -top])
        bits = work + 4 + max(below.magnitude - temperature.magnitude, 0)
        found = exponential(quotient(below, temperature, bits), work + 4)
        terms.append((found.man, found.exp))
    terms.append((1 << work, -work))
    distinct = softmax.from_exponentials(terms, np.array(row.counts), precision)
    return [distinct[place] if place >= 0 else None for place in row.place.tolist()]


def special_values(x: Array, policy: Policy, operands: Operands) -> tuple[NDArray[np.bool_], Array]:
    """softmax's."""
    return softmax.special_values(x, policy)


def error_bound(x: Array, operands: Operands, z: Array, ulp: Array, format: Format) -> Array:
    """softmax's for (x - a) / T, and u A / T z more for the rounding of the quotient."""
    scaled = cooled(x, operands)
    limit = bounds.error_bound(scaled, z, ulp, format)
    with np.errstate(invalid="ignore", over="ignore"):
        distance = np.max(scaled, axis=-1, keepdims=True) - scaled
        drift = 2.0 * format.unit_roundoff * distance
        weighted = np.where(z > 0, z * drift, 0.0)
        return np.asarray(limit + (weighted + z * weighted.sum(axis=-1, keepdims=True)) / ulp)


def input_sensitivity(x: Array, operands: Operands, z: Array, format: Format) -> Array:
    """softmax's for x / T, where half an ulp of x counts 1 / T times."""
    scaled, temperature = cooled(x, operands), operands[0].astype(np.float64)
    s = rows.sums(scaled, format).softmax
    h = rows.half_ulps(x, format) / temperature
    return np.asarray(s * (rows.sum_of_others(s) * h + rows.sum_of_others(s * h)))


def cooled(x: Array, operands: Operands) -> Array:
    """x / T, rounded."""
    with np.errstate(over="ignore"):
        return np.asarray(x / operands[0].astype(np.float64))


def screened(
    x: Array, operands: Operands, fixed: NDArray[np.bool_], expected: Array, format: Format
) -> Screened:
    """softmax's, of (x - a) / T as two float64."""
    temperature = operands[0].astype(np.float64)
    return screen_quotients(x, temperature, fixed, expected, format)


OPERATION = Operation(
    "softmax_temperature",
    "z_i = exp(x_i / T) / sum_j exp(x_j / T)",
    enclose,
    special_values,
    error_bound,
    input_sensitivity,
    screen=screened,
    make_operands=temperatures,
    effective_logits=cooled,
    least=0.0,
    most=1.0,
    is_distribution=True,
)
