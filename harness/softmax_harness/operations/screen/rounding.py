"""From an enclosure to the correctly rounded result and its remainder, where that is decided."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from softmax_harness.operations.screen.reduction import BIAS, FIELD
from softmax_harness.operations.screen.workspace import Array, Bits, Workspace, bits_of
from softmax_harness.operations.truth import Truth

_EXPONENT_FIELD = 0x7FF * FIELD
_DEEP = -1000  # results this many binades below the last place are 0 with an offset of about 0


def rounded(
    head: Array, tail: Array, q: Bits, truth: Truth, relative_error: float, w: Workspace
) -> NDArray[np.bool_]:
    """Round z = 2**q (head + tail), 0 < z < 1, known to `relative_error`, into `truth`.

    `q` is as `softmax_harness.operations.screen.reduction.exponent` gives it.

    Gives back where the rounding is not decided, and to `w` the memory of the first three.
    Undecided is what lies within its error of the middle between two numbers, or of a power of
    two, at which the ulp changes. That z is below 1 is certain, since a row with more than one
    value has more than one positive term: there the computed value is held below 1.
    """
    scale = w.take()
    np.add(head, tail, out=scale)
    _ulps_of(scale, q, truth)
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


def _ulps_of(fraction: Array, q: Bits, truth: Truth) -> None:
    """ulp(z) of z = 2**q fraction goes to `truth`, and 2**q / ulp(z) to the memory of `fraction`.

    ulp(z) is 2**K with K = max(binade, emin) - p + 1. All exponents are in units of `FIELD`, and
    `q` may be overwritten.
    """
    format = truth.format
    least, most = format.spacing_exponent, -format.precision  # z < 1: its binade is -1 at most
    scale, ulp = bits_of(fraction), bits_of(truth.ulp)
    scale &= _EXPONENT_FIELD
    scale -= (format.precision - 1) * FIELD
    np.add(q, scale, out=ulp)  # 2**K, if z is a normal number below 1
    deepest, normal = ulp.min(), max(least + BIAS, 1) * FIELD
    if deepest >= normal and ulp.max() <= (most + BIAS) * FIELD:
        np.subtract(2 * BIAS * FIELD, scale, out=scale)
    elif deepest >= normal or least + BIAS > 0:
        np.clip(ulp, (least + BIAS) * FIELD, (most + BIAS) * FIELD, out=ulp)
        np.subtract(q, ulp, out=scale)
        scale += 2 * BIAS * FIELD
        np.maximum(scale, (_DEEP + BIAS) * FIELD, out=scale)
    else:  # ulp(z) is not a normal float64
        ulp >>= 52
        ulp -= BIAS
        np.clip(ulp, least, most, out=ulp)
        q >>= 52
        np.subtract(q, ulp, out=scale)
        np.maximum(scale, _DEEP, out=scale)
        scale += BIAS
        scale <<= 52
        np.ldexp(1.0, ulp.astype(np.int32), out=truth.ulp)


def _undecided(multiple: Array, truth: Truth, slack: float, memory: Array) -> NDArray[np.bool_]:
    distance = np.abs(truth.offset, out=memory)
    undecided = distance >= 0.5 - slack
    if distance.min() <= slack:
        format, top = truth.format, 2.0**truth.format.precision
        low_edge = (multiple == top / 2) & (truth.ulp != format.smallest_subnormal)
        high_edge = (multiple == top) & (truth.ulp != format.unit_roundoff)
        undecided |= (low_edge | high_edge) & (distance <= slack)
    return undecided
