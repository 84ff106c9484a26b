"""From an enclosure to the correctly rounded result and its remainder, where that is decided."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from softmax_harness.truth.screen.workspace import Array, Bits, Workspace, bits_of
from softmax_harness.truth.truth import Truth

_DEEP = -1000  # results this many binades below the last place are 0 with an offset of about 0


def rounded(
    head: Array, tail: Array, q: Bits, truth: Truth, relative_error: float, w: Workspace
) -> NDArray[np.bool_]:
    """Round z = 2**q (head + tail), 0 < z < 1, known to `relative_error`, into `truth`.

    Gives back where the rounding is not decided, and to `w` the memory of the first three.
    Undecided is what lies within its error of the middle between two numbers, or of a power of
    two, at which the ulp changes. That z is below 1 is certain, since a row with more than one
    value has more than one positive term: there the computed value is held below 1.
    """
    scale = w.take()
    np.add(head, tail, out=scale)
    shift = _ulps_of(scale, q, truth)
    shift += 1023
    shift <<= 52
    head *= scale
    tail *= scale
    multiple = scale
    np.add(head, tail, out=multiple)
    np.rint(multiple, out=multiple)
    head -= multiple
    np.add(head, tail, out=truth.offset)
    np.multiply(multiple, truth.ulp, out=truth.rounded)
    undecided = _undecided(multiple, truth, relative_error * 2.0**truth.format.precision, tail)
    w.give(head, tail, scale, q.view(np.float64))
    return undecided


def _ulps_of(fraction: Array, q: Bits, truth: Truth) -> Bits:
    """The exponents that scale `fraction` to ulps of z = 2**q fraction, in its own memory.

    ulp(z) is 2**K with K = max(binade, emin) - p + 1; it goes to `truth`, and q is overwritten.
    """
    format = truth.format
    shift = bits_of(fraction)
    shift >>= 52
    np.subtract(1023 + format.precision - 1, shift, out=shift)
    q -= shift  # K, if z is a normal number below 1
    least, most = format.spacing_exponent, -format.precision  # z < 1: its binade is -1 at most
    if q.min() < least or q.max() > most:
        q += shift
        q -= most
        np.maximum(shift, q, out=shift)
        q += most - least
        np.minimum(shift, q, out=shift)
        q += least
        q -= shift
        np.maximum(shift, _DEEP, out=shift)
    if least >= -1022 or q.min() >= -1022:
        q += 1023
        np.left_shift(q, 52, out=bits_of(truth.ulp))
    else:
        np.ldexp(1.0, q.astype(np.int32), out=truth.ulp)
    return shift


def _undecided(multiple: Array, truth: Truth, slack: float, memory: Array) -> NDArray[np.bool_]:
    distance = np.abs(truth.offset, out=memory)
    undecided = distance >= 0.5 - slack
    if distance.min() <= slack:
        format, top = truth.format, 2.0**truth.format.precision
        low_edge = (multiple == top / 2) & (truth.ulp != format.smallest_subnormal)
        high_edge = (multiple == top) & (truth.ulp != format.unit_roundoff)
        undecided |= (low_edge | high_edge) & (distance <= slack)
    return undecided
