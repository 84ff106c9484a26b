"""softmax_temperature: softmax of x / T, T of the format: sharper below 1, flatter above.

A T below 0 prefers the smallest logit. Of 0 the policy says what is right.

Laws: T = 1 changes nothing; doubling logits and T changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.formats import Format, format_of
from softmax_harness.operations import bounds, flushing, rows, softmax, steps
from softmax_harness.operations.balls import exact, exponential, quotient, total
from softmax_harness.operations.enclosure import Array, Enclosure
from softmax_harness.operations.operand import Edge, Inputs, Operand, Operands, of_some_calls
from softmax_harness.operations.operation import ANYTHING, OF_WEIGHTS, Operation, Policy
from softmax_harness.operations.screen import Screened, screen_quotients
from softmax_harness.operations.steps import ExactStep, ExactSteps

# Where kernels take the largest logit alone, round or clip T, and between; powers of two.
_TEMPERATURES = (
    *(0.00001, 0.0001, 0.001, 0.01, 0.1, 0.25, 0.3, 0.5, 2 / 3, 0.7, 1.0),
    *(1.37, 2.0, 3.0, 4.0, 10.0, 37.3, 100.0, 1000.0, 5000.0, 100_000.0),
)
_DRAWN, _SPREAD = 0.25, 0.3
_FAR, _OF_ROW = 0.05, 0.05
_DECADES = 12.0
# In longer rows sums of many blocks are added one after another. Where all blocks are nearly alike
# all these additions are rounded alike, and an honest sum errs by hundreds of ulp.
_LONG, _ALIKE = 4096, 16.0
# The difference of logits at both ends of the format is beyond it. Up to this part of the largest
# number, T leaves 0 of such a difference, so that no honest kernel is wrong for that.
_BEYOND = 16.0
# All different, two that are the largest, all equal.
_AT_EDGES = ((-5.0, 0.5, 2.0, 7.0), (1.0, 3.0, -1.0, 3.0), (1.0, 1.0, 1.0, 1.0))


def temperatures(stored: NDArray[Any], rng: np.random.Generator) -> Operands:
    """T of each row, above 0, shape (rows, 1), in the format of the logits, which has 1 / T.

    A few are as large as logits of the row are apart: whatever their scale, T then decides. None
    makes all of a long row alike, or flattens one of so many that their number is beyond the
    format, in which their sum would overflow. In some calls all are 1.
    """
    format = format_of(stored)
    held = [each for each in _TEMPERATURES if max(each, 1.0 / each) <= format.largest]
    chosen = rng.choice(np.array(held), (len(stored), 1))
    # No list is without gaps: some are any number, most of them about 1, a few of any decade.
    share, drawn = rng.random(chosen.shape), np.exp(rng.normal(0.0, _SPREAD, chosen.shape))
    far = 10.0 ** rng.uniform(-_DECADES, _DECADES, chosen.shape)
    apart = _apart(stored.astype(np.float64), format)
    far = np.where(share < _OF_ROW, drawn * apart, far)
    far = np.clip(far, 2.0 / format.largest, format.largest / _BEYOND)
    drawn = np.where(share < _OF_ROW + _FAR, far, drawn)
    own = np.where(share < _DRAWN, drawn, chosen)
    if stored.shape[-1] > _LONG:
        own = np.minimum(own, np.maximum(_ALIKE * apart, 1.0 / format.largest))
    if stored.shape[-1] > format.largest:
        own = np.minimum(own, 1.0)
    return (format.stored(of_some_calls(own, np.ones_like(own), rng)),)


def _apart(x: Array, format: Format) -> Array:
    """How far the largest finite logit of each row is from the least, shape (rows, 1).

    1 where that is nothing, or so far that the difference may be beyond the format.
    """
    finite = np.isfinite(x)
    most = np.where(finite, x, -np.inf).max(axis=-1, initial=-np.inf, keepdims=True)
    least = np.where(finite, x, np.inf).min(axis=-1, initial=np.inf, keepdims=True)
    with np.errstate(over="ignore"):
        found = most - least
    return np.where((found > 0.0) & (found < format.largest / _BEYOND), found, 1.0)


def edges(format: Format) -> Iterator[Edge]:
    """Rows with temperatures that few kernels are made for."""
    least, most = format.smallest_subnormal, format.largest
    policy = "zero_temperature"
    for told, chosen, states in (
        ("a temperature of 0", (0.0, -0.0), policy),
        ("a temperature that is not finite", (np.inf, -np.inf, np.nan), None),
        ("a temperature below 0", (-0.125, -1.0, -3.0, -100.0), policy),
        ("a temperature next to 0", (least, -least, format.smallest_normal), policy),
        ("the largest temperature", (most, -most), policy),
    ):
        pairs = [(row, temperature) for row in _AT_EDGES for temperature in chosen]
        x, temperature = (np.array(each).astype(format.dtype) for each in zip(*pairs, strict=True))
        yield Edge(told, Inputs(x, (temperature[:, None],)), states)


def enclose(x: Array, operands: Operands, precision: int) -> list[Enclosure | None]:
    """softmax from exp((x - a) / T): the difference is exact, the quotient has the bits it needs.

    The quotients are different algebraic numbers, so that all is as for softmax.
    """
    x, temperature = (each[0] for each in _positive(x[None], (operands[0][None],)))
    row = rows.distinct_logits(x)
    if len(row.values) == 1:
        return softmax.enclose_row(x, (), precision)
    work = precision + softmax.GUARD
    top, divisor = exact(row.values[-1]), exact(float(temperature[0]))
    terms = []
    for value in row.values[:-1]:
        below = total([exact(value), -top])
        bits = work + 4 + max(below.magnitude - divisor.magnitude, 0)
        found = exponential(quotient(below, divisor, bits), work + 4)
        terms.append((found.man, found.exp))
    terms.append((1 << work, -work))
    distinct = softmax.from_exponentials(terms, np.array(row.counts), precision)
    return [distinct[place] if place >= 0 else None for place in row.place.tolist()]


def special_values(x: Array, policy: Policy, operands: Operands) -> tuple[NDArray[np.bool_], Array]:
    """softmax's; where T is 0 what the policy says, NaN of a NaN, anything of an infinite T."""
    fixed, expected = softmax.special_values(_positive(x, operands)[0], policy)
    undefined = _is_undefined(operands)[:, 0]
    if undefined.any():
        fixed, expected = fixed.copy(), expected.copy()
        fixed[undefined], expected[undefined] = True, ANYTHING
        at_zero = operands[0][:, 0].astype(np.float64) == 0.0
        expected[at_zero] = policy.result(policy.zero_temperature or "any", x.shape[-1])
        is_nan = np.isnan(operands[0][:, 0].astype(np.float64))
        expected[is_nan] = policy.result(policy.nan, x.shape[-1])
    return fixed, expected


def _is_undefined(operands: Operands) -> NDArray[np.bool_]:
    temperature = operands[0].astype(np.float64)
    return np.asarray((temperature == 0.0) | ~np.isfinite(temperature))


def _positive(x: Array, operands: Operands) -> tuple[Array, Array]:
    """Logits and a temperature above 0 that have the same softmax; 1 where none is defined."""
    temperature = np.where(_is_undefined(operands), 1.0, operands[0].astype(np.float64))
    return np.where(temperature < 0.0, -x, x), np.abs(temperature)


def error_bound(x: Array, operands: Operands, z: Array, ulp: Array, format: Format) -> Array:
    """softmax's for (x - a) / T, and u A / T z more for the rounding of the quotient."""
    with np.errstate(invalid="ignore", over="ignore"):
        below = cooled(x, operands)
        if not np.isfinite(below).all():  # where a quotient of differences may be a number still
            below = cooled(x - np.max(x, axis=-1, keepdims=True), operands)
        distance = np.max(below, axis=-1, keepdims=True) - below
    return _with_drift(2.0 * format.unit_roundoff * distance, below, z, ulp, format)


def usual_bound(x: Array, operands: Operands, z: Array, ulp: Array, format: Format) -> Array:
    """softmax's for x / T, and 3 u (|x| + |a|) / T z more: x / T or x (1 / T) is rounded first.

    Infinite where a quotient exceeds the format: infinity less infinity is no number.
    """
    scaled = cooled(x, operands)
    with np.errstate(invalid="ignore", over="ignore"):
        top = np.max(scaled, axis=-1, keepdims=True)
        drift = 3.0 * format.unit_roundoff * (np.abs(scaled) + np.abs(top))
        limit = _with_drift(drift, scaled, z, ulp, format)
        finite = np.where(np.isfinite(x), np.abs(scaled), 0.0)
        # 1 / T may be rounded up before it is multiplied with.
        overflows = finite.max(axis=-1, keepdims=True) >= (1.0 - 2.0**-7) * format.largest
        return np.where(overflows, np.inf, limit)


def _with_drift(drift: Array, scaled: Array, z: Array, ulp: Array, format: Format) -> Array:
    """softmax's bound, and that of exponents which are off by `drift` more."""
    limit = bounds.error_bound(scaled, z, ulp, format)
    with np.errstate(invalid="ignore", over="ignore"):
        own = np.expm1(np.minimum(drift, 600.0))
        weighted = np.where(z > 0, z * own, 0.0)
        mean = weighted.sum(axis=-1, keepdims=True)
        return np.asarray(limit + (weighted * (1.0 + mean) + z * mean) / ulp)


def input_sensitivity(x: Array, operands: Operands, z: Array, format: Format) -> Array:
    """softmax's for x / T, where half an ulp of x counts 1 / T times."""
    scaled, (_, temperature) = cooled(x, operands), _positive(x, operands)
    s = rows.sums(scaled, format).softmax
    h = rows.half_ulps(x, format) / temperature
    return np.asarray(s * (rows.sum_of_others(s) * h + rows.sum_of_others(s * h)))


def cooled(x: Array, operands: Operands) -> Array:
    """x / T, rounded."""
    with np.errstate(over="ignore"):
        logits, temperature = _positive(x, operands)
        return np.asarray(logits / temperature)


def lost_by_flushing(x: Array, operands: Operands, z: Array, format: Format) -> Array:
    """s (exp(8 eta' / |T|) - 1), eta' the smallest normal number; anything where T is flushed.

    Each logit, and its difference from the largest, may lose eta' before it is divided, and as much
    where numerator and sum do.
    """
    least, size = flushing.least_kept(format), np.abs(operands[0].astype(np.float64))
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        lost = np.abs(z) * np.expm1(8.0 * least / size) + flushing.SINGLE * least
        return np.asarray(np.where(size < least, np.inf, lost))


def exact_steps(logits: Sequence[Any], operands: Operands) -> list[ExactStep]:
    """x / T first."""
    (temperature,) = steps.as_mpf(operands[0])
    divided = steps.Each(len(logits), lambda place: logits[place] / temperature)
    return [ExactStep("divide by T", divided), *steps.summed(divided)]


def screened(
    x: Array, operands: Operands, fixed: NDArray[np.bool_], expected: Array, format: Format
) -> Screened:
    """softmax's, of (x - a) / T as two float64."""
    logits, temperature = _positive(x, operands)
    return screen_quotients(logits, temperature, fixed, expected, format)


OPERATION = Operation(
    "softmax_temperature",
    "z_i = exp(x_i / T) / sum_j exp(x_j / T)",
    enclose,
    special_values,
    error_bound,
    input_sensitivity,
    usual_bound,
    screen=screened,
    cheap_limit=softmax.OPERATION.cheap_limit,
    make_operands=temperatures,
    operands=(Operand("temperature", 1),),
    edges=edges,
    effective_logits=cooled,
    lost_by_flushing=lost_by_flushing,
    steps=ExactSteps(exact_steps, "normalise"),
    least=0.0,
    most=1.0,
    is_distribution=True,
    degenerate=OF_WEIGHTS,
)
