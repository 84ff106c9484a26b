"""From an enclosure to the correctly rounded result, its remainder and its ulp."""

from __future__ import annotations

import math
import sys

from softmax_harness.ground.formats import Format, rounded_shift
from softmax_harness.operations import Enclosure

MOST_BITS = 1 << 16
"""Four times what any limit of a proved operation takes."""

_SMALLEST = 2.0**-1074
_SEEN_BITS = 128  # more than a float64 holds


class NotDecided(RuntimeError):
    """Enclosures of an operation do not narrow."""

    def __init__(self, operation: str, row: str) -> None:
        super().__init__(
            f"{operation} of {row} is not decided by {MOST_BITS} bits: its enclosures do not narrow"
        )


def decide(enclosure: Enclosure, format: Format, bits: int = 0) -> tuple[float, float, int] | None:
    """RN(z), (z - RN(z)) / ulp(z) and log2 ulp(z); None where the enclosure leaves one open.

    The enclosed number lies strictly inside its interval, which must keep to one binade and hold
    no rounding boundary. Beyond the overflow threshold RN(z) is the format's `overflow_value`, and
    what `Truth.offset` says of it takes the place of the remainder.

    Parameters
    ----------
    enclosure : Enclosure
    format : Format
    bits : int
        The remainder must be known to 2**-bits ulp, too.
    """
    man, exp, slack = enclosure
    if man < 0:
        opposite = decide(Enclosure(-man, exp, slack), format, bits)
        return None if opposite is None else (-opposite[0], -opposite[1], opposite[2])
    if man == 0 and slack == 0:
        return 0.0, 0.0, format.spacing_exponent
    if slack and (man <= slack or (man - slack).bit_length() != (man + slack - 1).bit_length()):
        return None
    ulp_exponent = format.ulp_exponent(man, exp)
    shift = ulp_exponent - exp
    top = format.largest_spacing_exponent
    if ulp_exponent > top:
        return _beyond(man, exp, format)
    if bits and slack and slack.bit_length() + bits > shift:
        return None
    if shift > man.bit_length() + 1:  # below half the smallest subnormal
        return 0.0, scaled_float(man, -shift), ulp_exponent
    if shift <= 0 and slack:
        return None
    multiple = rounded_shift(man, shift)
    remainder = man - (multiple << shift) if shift > 0 else 0
    if slack and (1 << (shift - 1)) - abs(remainder) < slack:
        return None
    if ulp_exponent == top and multiple > format.largest_significand:
        return _beyond(man, exp, format)
    return math.ldexp(multiple, ulp_exponent), scaled_float(remainder, -shift), ulp_exponent


def _beyond(man: int, exp: int, format: Format) -> tuple[float, float, int]:
    """What `decide` gives of man * 2**exp, which rounds to no number of the format."""
    top = format.largest_spacing_exponent
    if format.saturates:
        return format.overflow_value, 0.0, top
    rounded_exponent = format.ulp_exponent(man, exp)
    multiple = rounded_shift(man, rounded_exponent - exp)
    if multiple.bit_length() + rounded_exponent > sys.float_info.max_exp:
        return format.overflow_value, math.inf, top
    least = min(exp, top)
    excess = (man << (exp - least)) - (format.largest_significand << (top - least))
    cut = max(excess.bit_length() - _SEEN_BITS, 0)
    try:
        offset = math.ldexp(float(excess >> cut), cut + least - top)
    except OverflowError:  # an ulp below 1
        offset = math.inf
    return format.overflow_value, offset, top


def scaled_float(integer: int, exponent: int) -> float:
    """integer * 2**exponent as a float64, the smallest of its sign where that is too small."""
    if exponent > -900:  # no denormal is met on the way
        return math.ldexp(float(integer), exponent)
    excess = max(integer.bit_length() - 256, 0)
    scaled = math.ldexp(float(integer >> excess), exponent + excess)
    return scaled or (integer > 0) * _SMALLEST - (integer < 0) * _SMALLEST
