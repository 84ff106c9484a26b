"""From an enclosure to the correctly rounded result and its remainder, where that is decided."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.formats import Format
from softmax_harness.operations.screen.reduction import BIAS, FIELD
from softmax_harness.operations.screen.workspace import Array, Bits, Workspace, bits_of
from softmax_harness.operations.truth import Truth

_EXPONENT_FIELD = 0x7FF * FIELD
_DEEP = -1000  # results this many binades below the last place are 0 with an offset of about 0
# The same of formats whose numbers stay above it: a fraction may be as small as 2**-500 itself, and
# its offset must not be 0, since the result is not.
_DEEP_OF_NARROWER = -500

Closer = Callable[[NDArray[np.int64]], tuple[Array | float, Array]]
"""Of elements at some places of the flattened array: what their tail lacks, and then their error.

Both in units of 2**q.
"""


def rounded(
    head: Array,
    tail: Array,
    q: Bits,
    truth: Truth,
    relative_error: float,
    w: Workspace,
    closer: Closer | None = None,
    *,
    below_one: bool = True,
) -> NDArray[np.bool_]:
    """Round z = 2**q (head + tail), known to `relative_error`, into `truth`.

    Parameters
    ----------
    head, tail : ndarray of float64
        Of either sign, |tail| at most a few ulp of head.
    q : ndarray of int64
        As `softmax_harness.operations.screen.reduction.exponent` gives it; above -2000 in units of
        `FIELD`, and so low that 2**q head has no larger exponent than a float64.
    closer : callable or None
        A closer look at single elements, which decides what `relative_error` leaves open.
    below_one : bool
        That |z| < 1 is certain. The computed value is then held below 1: softmax is below 1 since a
        row with more than one value has more than one positive term.

    Gives back where the rounding is not decided, nowhere where it is fixed, and to `w` the memory
    of the first three.
    Undecided is what lies within its error of the middle between two numbers, or of a power of
    two, at which the ulp changes. The sum of head and tail may round to a power of two that z lies
    below by 2**-54 of itself, so that everything that near to one is looked at.
    """
    format, scale = truth.format, w.take()
    most = -format.precision if below_one else format.largest_spacing_exponent
    np.add(head, tail, out=scale)
    may_be_beyond = _ulps_of(scale, q, truth, most)
    multiple = scale
    with np.errstate(over="ignore", invalid="ignore"):  # of an exact 0, whose ulp is the least
        head *= scale
        tail *= scale
        np.add(head, tail, out=multiple)
        np.rint(multiple, out=multiple)
        head -= multiple
        np.add(head, tail, out=truth.offset)
        np.multiply(multiple, truth.ulp, out=truth.rounded)
    slack = relative_error * 2.0**format.precision
    undecided = _near(multiple, truth, slack, 2.0**most, w)
    if truth.fixed.any():  # what will be put there is decided
        undecided &= ~truth.fixed
    if undecided.any():
        _look_closer(undecided, (multiple, head, tail), q, truth, closer or slack, 2.0**most)
    if may_be_beyond and not below_one:
        _overflow(truth)
    w.give(head, tail, scale, q.view(np.float64))
    return undecided


def _ulps_of(fraction: Array, q: Bits, truth: Truth, most: int) -> bool:
    """ulp(z) of z = 2**q fraction goes to `truth`, and 2**q / ulp(z) to the memory of `fraction`.

    ulp(z) is 2**K with K = max(binade, emin) - p + 1, at most `most`. All exponents are in units of
    `FIELD`. Gives whether K is `most` anywhere, or would be larger.
    """
    format = truth.format
    least, largest = format.spacing_exponent, (most + BIAS) * FIELD
    scale, ulp = bits_of(fraction), bits_of(truth.ulp)
    scale &= _EXPONENT_FIELD
    scale -= (format.precision - 1) * FIELD
    np.add(q, scale, out=ulp)  # 2**K, if z is a normal number of at most that ulp
    smallest, is_normal = max(least + BIAS, 1) * FIELD, least + BIAS > 0
    lies_below, highest = ulp.min() < smallest, ulp.max()
    lies_above = highest > largest
    if (lies_below or lies_above) and (is_normal or not lies_below):
        if lies_below:
            np.maximum(ulp, smallest, out=ulp)
        if lies_above:
            np.minimum(ulp, largest, out=ulp)
        np.subtract(q, ulp, out=scale)
        scale += 2 * BIAS * FIELD
        np.maximum(scale, (_DEEP_OF_NARROWER + BIAS) * FIELD, out=scale)
        return bool(highest >= largest)
    np.subtract(2 * BIAS * FIELD, scale, out=scale)
    if lies_below:  # ulp(z) is not a normal float64
        flat = np.flatnonzero((ulp < smallest) | (ulp > largest))
        k = np.minimum(np.maximum((ulp.take(flat) >> 52) - BIAS, least), most)
        deep = (q.take(flat) >> 52) - k
        # Of 0 it may be anything.
        deep = np.minimum(np.maximum(deep, _DEEP), -_DEEP)
        scale.put(flat, (deep + BIAS) << 52)
        truth.ulp.put(flat, np.ldexp(1.0, k.astype(np.int32)))
    return bool(highest >= largest)


def _near(
    multiple: Array, truth: Truth, slack: float, largest_ulp: float, w: Workspace
) -> NDArray[np.bool_]:
    """What lies near a middle, or so near a power of two that its sum may have rounded to it."""
    memory = w.take()
    distance = np.abs(truth.offset, out=memory)
    near = distance < 0.5 - slack
    np.logical_not(near, out=near)  # what is no number is not decided
    slack = max(slack, 2.0 ** (truth.format.precision - 53))
    if slack >= 0.5 or distance.min() <= slack:
        place = _at_edge(multiple, truth, largest_ulp, w)
        near[place] |= distance[place] <= slack
    w.give(memory)
    return near


def _at_edge(
    multiple: Array, truth: Truth, largest_ulp: float, w: Workspace
) -> tuple[NDArray[np.int64], ...]:
    """The places of `_edges`, which looks at few."""
    memory, top = w.take(), 2.0**truth.format.precision
    size = np.abs(multiple, out=memory)
    is_between = size.min() > top / 2 and size.max() < top  # as nearly all blocks are
    place = _places(np.zeros((1, 1), bool) if is_between else (size == top / 2) | (size == top))
    w.give(memory)
    low, high = _edges(multiple[place], truth.ulp[place], truth, largest_ulp)
    edge = low | high
    return tuple(each[edge] for each in place)


def _places(chosen: NDArray[np.bool_]) -> tuple[NDArray[np.int64], ...]:
    """As np.nonzero, which takes longer for few in two dimensions."""
    return np.unravel_index(np.flatnonzero(chosen), chosen.shape)


def _edges(
    multiple: Array, ulp: Array, truth: Truth, largest_ulp: float
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Where RN(z) is a power of two: the least of its binade, or what lies beyond its largest."""
    format, top = truth.format, 2.0**truth.format.precision
    size = np.abs(multiple)
    low = (size == top / 2) & (ulp != format.smallest_subnormal)
    return low, (size == top) & (ulp != largest_ulp)


@np.errstate(over="ignore", invalid="ignore")  # what is no number stays undecided
def _look_closer(
    undecided: NDArray[np.bool_],
    parts: tuple[Array, Array, Array],
    q: Bits,
    truth: Truth,
    closer: Closer | float,
    largest_ulp: float,
) -> None:
    """Decide, with the error of each or with one in ulp, what lies near a middle or a power of two.

    z / ulp is multiple + h + t and what t lacks, where h is exact. `side` is how far that lies
    beyond 1/2; its sign is right since 1/2 - |h| is exact and the sum with t is rounded once, to 0
    only if it is 0. Next to a power of
    two the sign of h + t says whether its own ulp is the right one, or half or twice that.
    """
    flat = np.flatnonzero(undecided)
    place = np.unravel_index(flat, undecided.shape)
    multiple, h, t = (each[place] for each in parts)
    ulp = truth.ulp[place]
    more: Array | float = 0.0
    slack: Array | float
    if callable(closer):
        exponents = (q[place] >> 52) - (np.frexp(ulp)[1].astype(np.int64) - 1)
        more, slack = (np.ldexp(each, exponents.astype(np.int32)) for each in closer(flat))
    else:
        slack = closer
    sign = np.where(h + t < 0, -1.0, 1.0)
    side = ((sign * h - 0.5) + sign * t) + sign * more
    step = np.where(side > 0, sign, 0.0)
    multiple, h = multiple + step, h - step
    inward = np.copysign(1.0, multiple) * ((h + t) + more)
    factor, apart = _at_edges(multiple, inward, ulp, truth, largest_ulp)
    truth.rounded[place] = multiple * ulp
    truth.offset[place] = (h + t) / factor
    truth.ulp[place] = ulp * factor
    undecided[place] = ~(np.where(np.abs(inward) <= 0.25, apart, np.abs(side)) > slack)


def _at_edges(
    multiple: Array, inward: Array, ulp: Array, truth: Truth, largest_ulp: float
) -> tuple[Array, Array]:
    """By what the ulp of z near `multiple` is off, and how far z lies from where that changes.

    z / ulp exceeds |multiple| by `inward`; below the least of its binade 1/4 is the next middle.
    """
    low, high = _edges(multiple, ulp, truth, largest_ulp)
    near = np.abs(inward) <= 0.25
    below, above = low & near & (inward < 0), high & near & (inward > 0)
    apart = np.where(low | high, np.abs(inward), np.inf)
    apart = np.where(below, np.minimum(apart, 0.25 + inward), apart)
    return np.where(below, 0.5, np.where(above, 2.0, 1.0)), apart


def _overflow(truth: Truth) -> None:
    """What rounds to no number of the format: beyond the largest, which is a tie or no tie."""
    format = truth.format
    if truth.rounded.max() > format.largest or truth.rounded.min() < -format.largest:
        over = np.abs(truth.rounded) > format.largest
        value, ulp = truth.rounded[over], 2.0**format.largest_spacing_exponent
        truth.rounded[over] = np.copysign(format.overflow_value, value)
        truth.offset[over] = offset_beyond(value, truth.offset[over] * truth.ulp[over], format)
        truth.ulp[over] = ulp


def offset_beyond(value: Array, rest: Array, format: Format) -> Array:
    """`Truth.offset` of z = value + rest, which is beyond the largest number of the format."""
    if format.saturates:
        return np.zeros(value.shape)
    above = value - np.copysign(format.largest, value)
    return np.asarray((above + rest) * 2.0**-format.largest_spacing_exponent)
