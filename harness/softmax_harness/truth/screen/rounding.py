"""From an enclosure to the correctly rounded result and its remainder, where that is decided."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from softmax_harness.formats import Format
from softmax_harness.truth.screen.workspace import Array, Bits, Workspace, bits_of

_DEEP = -1000  # results this many binades below the last place are 0 with an offset of about 0


class Rounded(NamedTuple):
    """RN(z) = multiple * ulp and (z - RN(z)) / ulp, and where one of them is not certain."""

    multiple: Array
    offset: Array
    ulp: Array
    undecided: NDArray[np.bool_]


def rounded(
    head: Array, tail: Array, q: Bits, format: Format, relative_error: float, w: Workspace
) -> Rounded:
    """Round z = 2**q (head + tail), 0 < z < 1, known to `relative_error`; consumes its arguments.

    Undecided is what lies within its error of the middle between two numbers, or of a power of
    two, at which the ulp changes. That z is below 1 is certain, since a row with more than one
    value has more than one positive term: there the computed value is held below 1.
    """
    p = format.precision
    scale = w.take()
    np.add(head, tail, out=scale)
    shift = bits_of(scale)
    # The exponent of ulp(z) is K = max(binade, emin) - p + 1; q - K scales head + tail to its units.
    shift >>= 52
    np.subtract(1023 + p - 1, shift, out=shift)
    np.maximum(shift, q + p, out=shift)  # z < 1: its binade is -1 at most
    q += p - 1 - format.emin
    np.minimum(shift, q, out=shift)
    q -= shift
    ulp = _ulp(q, format)
    np.maximum(shift, _DEEP, out=shift)
    shift += 1023
    shift <<= 52
    head *= scale
    tail *= scale
    multiple = scale
    np.add(head, tail, out=multiple)
    np.rint(multiple, out=multiple)
    head -= multiple
    head += tail
    undecided = _undecided(multiple, head, ulp, format, relative_error * 2.0**p, tail)
    w.give(tail)
    return Rounded(multiple, head, ulp, undecided)


def _ulp(above: Bits, format: Format) -> Array:
    """The ulp that lies `above` binades over the smallest one, in the same memory."""
    if above.min() + format.spacing_exponent >= -1022:
        above += format.spacing_exponent + 1023
        above <<= 52
        return above.view(np.float64)
    ulp = above.view(np.float64)
    return np.ldexp(format.smallest_subnormal, above.astype(np.int32), out=ulp)


def _undecided(
    multiple: Array, offset: Array, ulp: Array, format: Format, slack: float, memory: Array
) -> NDArray[np.bool_]:
    distance = np.abs(offset, out=memory)
    undecided = distance >= 0.5 - slack
    if distance.min() <= slack:
        top = 2.0**format.precision
        low_edge = (multiple == top / 2) & (ulp != format.smallest_subnormal)
        high_edge = (multiple == top) & (ulp != format.unit_roundoff)
        undecided |= (low_edge | high_edge) & (distance <= slack)
    return undecided
