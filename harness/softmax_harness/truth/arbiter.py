"""The arbiter: mpmath at rising precision until every rounding and every binade is decided."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from softmax_harness.formats import Format, rounded_shift
from softmax_harness.operations import Enclosure, Operation, Policy
from softmax_harness.truth.truth import Truth

_FIRST_BITS_BEYOND_THE_FORMAT = 64


def judge(
    operation: Operation, x: NDArray[np.float64], format: Format, policy: Policy | None = None
) -> Truth:
    """The exact results of `operation` on each row of `x`, seen from `format`.

    Parameters
    ----------
    x : ndarray of float64, shape (rows, n)
        The stored inputs; every format up to float64 is exact in it.
    format : Format
        The format to round to.
    policy : Policy, optional
        The special-value policy.
    """
    fixed, expected = operation.special_values(x, policy or Policy())
    rounded = expected.copy()
    offset = np.zeros(x.shape)
    ulp = np.where(expected == 1.0, 2.0 * format.unit_roundoff, format.smallest_subnormal)
    for row in np.flatnonzero(~fixed.all(axis=-1)):
        open_ = ~fixed[row]
        values, inverse, counts = np.unique(x[row, open_], return_inverse=True, return_counts=True)
        decided = np.array(_decide_row(operation, values, counts, format))[inverse]
        rounded[row, open_], offset[row, open_] = decided[:, 0], decided[:, 1]
        ulp[row, open_] = np.ldexp(1.0, decided[:, 2].astype(np.int32))
    return Truth(format, rounded, offset, ulp, fixed)


def _decide_row(
    operation: Operation,
    values: NDArray[np.float64],
    counts: NDArray[np.int64],
    format: Format,
) -> list[tuple[float, float, int]]:
    precision = format.precision + _FIRST_BITS_BEYOND_THE_FORMAT
    decided: dict[int, tuple[float, float, int]] = {}
    while True:
        enclosures = operation.enclose(values, counts, precision)
        for index, enclosure in enumerate(enclosures):
            if index not in decided:
                result = decide(enclosure, format)
                if result is not None:
                    decided[index] = result
        if len(decided) == len(enclosures):
            return [decided[index] for index in range(len(enclosures))]
        precision *= 2


def decide(enclosure: Enclosure, format: Format) -> tuple[float, float, int] | None:
    """RN(z), (z - RN(z)) / ulp(z) and log2 ulp(z); None where the enclosure leaves one open.

    The enclosed number lies strictly inside its interval, which must keep to one binade and hold
    no rounding boundary.
    """
    man, exp, slack = enclosure
    if slack and (man <= slack or (man - slack).bit_length() != (man + slack - 1).bit_length()):
        return None
    ulp_exponent = format.ulp_exponent(man, exp)
    shift = ulp_exponent - exp
    if shift <= 0:
        if slack:
            return None
        return math.ldexp(man, exp), 0.0, ulp_exponent
    if shift > man.bit_length() + 1:  # below half the smallest subnormal
        return 0.0, scaled_float(man, -shift), ulp_exponent
    multiple = rounded_shift(man, shift)
    remainder = man - (multiple << shift)
    if slack and (1 << (shift - 1)) - abs(remainder) < slack:
        return None
    return math.ldexp(multiple, ulp_exponent), scaled_float(remainder, -shift), ulp_exponent


def scaled_float(integer: int, exponent: int) -> float:
    """integer * 2**exponent as a float64, 0 where that is too small."""
    if exponent > -900:  # no denormal is met on the way
        return math.ldexp(float(integer), exponent)
    excess = max(integer.bit_length() - 256, 0)
    return math.ldexp(float(integer >> excess), exponent + excess)
