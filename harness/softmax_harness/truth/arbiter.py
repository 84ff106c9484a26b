"""The arbiter: mpmath at rising precision until every rounding and every binade is decided."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.formats import Format, rounded_shift
from softmax_harness.operations import Enclosure, Operands, Problem
from softmax_harness.operations.truth import Truth

_FIRST_BITS_BEYOND_THE_FORMAT = 64
_MOST_BITS = 1 << 16  # four times what any limit of a proved operation takes
_SMALLEST = 2.0**-1074


def arbitrate(problem: Problem, x: NDArray[np.float64], operands: Operands = ()) -> Truth:
    """The exact results of a problem on each row of `x`, seen from its output format.

    Parameters
    ----------
    problem : Problem
    x : ndarray of float64, shape (rows, n)
        The stored inputs; every format up to float64 is exact in it.
    operands : tuple of ndarray
        What the operation takes besides the logits, see `Operation.make_operands`.
    """
    format = problem.output_format
    fixed, expected = problem.special_values(x, operands)
    rounded = expected.copy()
    offset = np.zeros(fixed.shape)
    ulp = np.where(np.abs(expected) == 1.0, 2.0 * format.unit_roundoff, format.smallest_subnormal)
    for row in np.flatnonzero(~fixed.all(axis=-1)):
        open_ = np.flatnonzero(~fixed[row])
        own = tuple(each[row] for each in operands)
        decided = np.array(_decided_row(problem, x[row], own, open_.tolist()))
        rounded[row, open_], offset[row, open_] = decided[:, 0], decided[:, 1]
        ulp[row, open_] = np.ldexp(1.0, decided[:, 2].astype(np.int32))
    return Truth(format, rounded, offset, ulp, fixed)


def _decided_row(
    problem: Problem, x: NDArray[np.float64], operands: Operands, open_: list[int]
) -> list[tuple[float, float, int]]:
    operation, format = problem.operation, problem.output_format
    precision = format.precision + _FIRST_BITS_BEYOND_THE_FORMAT
    decided: dict[int, tuple[float, float, int]] = {}
    while True:
        enclosures = operation.enclose(x, operands, precision)
        # Equal entries of a row share what they are enclosed by.
        once: dict[Enclosure, tuple[float, float, int] | None] = {}
        for index in open_:
            if index not in decided:
                enclosure = enclosures[index]
                assert enclosure is not None
                if enclosure not in once:
                    once[enclosure] = decide(enclosure, format)
                if (result := once[enclosure]) is not None:
                    decided[index] = result
        if len(decided) == len(open_):
            return [decided[index] for index in open_]
        precision *= 2
        if precision > _MOST_BITS:
            raise RuntimeError(
                f"{operation.name} of {x.tolist()} beside {[each.tolist() for each in operands]} "
                "is not "
                f"decided by {_MOST_BITS} bits: its enclosures do not narrow"
            )


def decide(enclosure: Enclosure, format: Format) -> tuple[float, float, int] | None:
    """RN(z), (z - RN(z)) / ulp(z) and log2 ulp(z); None where the enclosure leaves one open.

    The enclosed number lies strictly inside its interval, which must keep to one binade and hold
    no rounding boundary. Beyond the overflow threshold RN(z) is the format's `overflow_value` and
    the offset 0.
    """
    man, exp, slack = enclosure
    if man < 0:
        opposite = decide(Enclosure(-man, exp, slack), format)
        return None if opposite is None else (-opposite[0], -opposite[1], opposite[2])
    if man == 0 and slack == 0:
        return 0.0, 0.0, format.spacing_exponent
    if slack and (man <= slack or (man - slack).bit_length() != (man + slack - 1).bit_length()):
        return None
    ulp_exponent = format.ulp_exponent(man, exp)
    shift = ulp_exponent - exp
    top = format.largest_spacing_exponent
    if ulp_exponent > top:
        return format.overflow_value, 0.0, top
    if shift > man.bit_length() + 1:  # below half the smallest subnormal
        return 0.0, scaled_float(man, -shift), ulp_exponent
    if shift <= 0 and slack:
        return None
    multiple = rounded_shift(man, shift)
    remainder = man - (multiple << shift) if shift > 0 else 0
    if slack and (1 << (shift - 1)) - abs(remainder) < slack:
        return None
    if ulp_exponent == top and multiple > format.largest_significand:
        return format.overflow_value, 0.0, top
    return math.ldexp(multiple, ulp_exponent), scaled_float(remainder, -shift), ulp_exponent


def scaled_float(integer: int, exponent: int) -> float:
    """integer * 2**exponent as a float64, the smallest of its sign where that is too small."""
    if exponent > -900:  # no denormal is met on the way
        return math.ldexp(float(integer), exponent)
    excess = max(integer.bit_length() - 256, 0)
    scaled = math.ldexp(float(integer >> excess), exponent + excess)
    return scaled or (integer > 0) * _SMALLEST - (integer < 0) * _SMALLEST
