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
    format = truth.format
    p = format.precision
    scale = w.take()
    np.add(head, tail, out=scale)
    shift = bits_of(scale)
    # The exponent of ulp(z) is K = max(binade, emin) - p + 1; q - K scales head + tail to its units.
    shift >>= 52
    np.subtract(1023 + p - 1, shift, out=shift)
    q += p
    np.maximum(shift, q, out=shift)  # z < 1: its binade is -1 at most
    q += -1 - format.emin
    np.minimum(shift, q, out=shift)
    q -= shift
    _set_ulp(q, truth)
    np.maximum(shift, _DEEP, out=shift)
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
    undecided = _undecided(multiple, truth, relative_error * 2.0**p, tail)
    w.give(head, tail, scale, q.view(np.float64))
    return undecided


def _set_ulp(above: Bits, truth: Truth) -> None:
    """The ulp that lies `above` binades over the smallest one; overwrites `above`."""
    least = truth.format.spacing_exponent
    if above.min() + least >= -1022:
        above += least + 1023
        np.left_shift(above, 52, out=bits_of(truth.ulp))
    else:
        smallest = truth.format.smallest_subnormal
        np.ldexp(smallest, above.astype(np.int32), out=truth.ulp)


def _undecided(multiple: Array, truth: Truth, slack: float, memory: Array) -> NDArray[np.bool_]:
    distance = np.abs(truth.offset, out=memory)
    undecided = distance >= 0.5 - slack
    if distance.min() <= slack:
        format, top = truth.format, 2.0**truth.format.precision
        low_edge = (multiple == top / 2) & (truth.ulp != format.smallest_subnormal)
        high_edge = (multiple == top) & (truth.ulp != format.unit_roundoff)
        undecided |= (low_edge | high_edge) & (distance <= slack)
    return undecided
