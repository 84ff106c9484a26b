"""From a signed enclosure to the correctly rounded result and its remainder, where decided."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.formats import Format
from softmax_harness.operations.attention.distances import scaling
from softmax_harness.operations.screen.rounding import offset_beyond
from softmax_harness.operations.screen.workspace import Array

LARGEST_ERROR = 2.0**-12
"""In ulp: results that are known less well stay open."""


class Enclosed(NamedTuple):
    """Numbers 2**exponent (high + low), each off by less than 2**exponent error.

    Where `error` is 0 the number is exact. `low` is at most an ulp of `high`.
    """

    high: Array
    low: Array
    error: Array
    exponent: NDArray[np.int64]


class Rounded(NamedTuple):
    """RN(z), (z - RN(z)) / ulp(z), ulp(z), the bound of the error in ulp, and what is open."""

    rounded: Array
    offset: Array
    ulp: Array
    error: Array
    open: NDArray[np.bool_]


def rounded(z: Enclosed, format: Format) -> Rounded:
    """Round to a format, and say what the enclosure leaves open.

    In units of the ulp that the binade of `high` has, z is M + T, T at most an ulp of the float64
    M. Where M is a power of two and T is on the side of 0, the ulp is half of that. Then z is open
    if it may lie on either side of a middle between two numbers or of a power of two, at which the
    ulp changes: nearer to it than its error. What lies at one exactly and has no error is decided,
    middles go to the even side.
    """
    p, least = format.precision, format.spacing_exponent
    binade = np.frexp(z.high)[1] - 1 + z.exponent
    k = np.where(z.high == 0, least, np.maximum(binade - p + 1, least))
    in_ulps = scaling(z.exponent - k)
    m, t, error = (_kept_apart_from_0(in_ulps(each), each) for each in z[:3])
    sign = np.where(m < 0, -1.0, 1.0)
    inward = (np.abs(m) == 2.0 ** (p - 1)) & (sign * t < 0) & (k > least)
    factor = np.where(inward, 2.0, 1.0)
    k, m, t, error = k - inward, m * factor, t * factor, error * factor
    multiple = np.rint(m)
    rest = m - multiple
    beyond = np.where((rest - 0.5) + t > 0, 1.0, np.where((rest + 0.5) + t < 0, -1.0, 0.0))
    multiple, rest = multiple + beyond, rest - beyond
    offset = rest + t
    side = np.where(offset < 0, -1.0, 1.0)
    near = (0.5 - side * rest) - side * t < error
    near |= ((np.abs(m) - 2.0 ** (p - 1)) + sign * t < error) & (k > least)
    near |= (2.0**p - np.abs(m)) - sign * t < error
    with np.errstate(over="ignore"):
        value = np.ldexp(multiple, np.minimum(k, 1024).astype(np.int32))
    ulp = np.ldexp(1.0, np.minimum(k, format.largest_spacing_exponent).astype(np.int32))
    over = (np.abs(value) > format.largest) | (k > format.largest_spacing_exponent)
    if over.any():
        rest = np.ldexp(offset, np.minimum(k, 1024).astype(np.int32))
        offset = np.where(over, offset_beyond(value, rest, format), offset)
        value = np.where(over, np.copysign(format.overflow_value, value), value)
    return Rounded(value, offset, ulp, error, near | ~(error <= LARGEST_ERROR))


def _kept_apart_from_0(scaled: Array, values: Array) -> Array:
    """The scaled values, above 0 where a value is: since 0 says that there is no error."""
    lost = (scaled == 0) & (values != 0)
    return np.where(lost, np.copysign(2.0**-1074, values), scaled) if lost.any() else scaled
