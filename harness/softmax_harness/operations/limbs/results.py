"""Softmax of a long row, every element rounded from limbs; the few that stay open are named."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.formats import Format
from softmax_harness.operations.balls import Ball, total
from softmax_harness.operations.limbs.arithmetic import LIMB, Limbs, limbs_of, product
from softmax_harness.operations.limbs.sums import blocks, summed

_BITS_BEYOND_THE_FORMAT = 58
_OPEN = 2.0**-44
_TWO = 2 * LIMB
_MOST_SHIFT = _TWO + 2  # of an integer below 2**60 nothing is left, and no half is reached
_SMALLEST = 2.0**-1074
Array = NDArray[np.float64]
_MASK = (1 << LIMB) - 1


class LongResults(NamedTuple):
    """The exact results of a row, as `softmax_harness.operations.truth.Truth` has them.

    Attributes
    ----------
    rounded, offset, ulp : ndarray of float64, shape (n,)
    open : ndarray of int64
        The elements that are not decided; what stands at them means nothing.
    """

    rounded: Array
    offset: Array
    ulp: Array
    open: NDArray[np.int64]


def long_results(
    x: Array, format: Format, memory: tuple[Array, Array, Array] | None = None
) -> LongResults:
    """Softmax of a row of finite logits, shape (n,), seen from `format`.

    Parameters
    ----------
    memory : tuple of ndarray of float64, shape (n,)
        Where `rounded`, `offset` and `ulp` shall stand.

    Notes
    -----
    With E the relative error of the exponentials and U the last limb's unit: the sum has it too;
    its inverse, in [1/2, 1], is cut by U; the product by it, at least 0.24, by (limbs + 1) U.
    Together below 2 E + 2 U + 4.2 (limbs + 1) U. Three limbs (E = 113 U) come within 2**-82, four
    (E = 144 U) within 2**-111.7: times 2**p, at most 2**-58 ulp. An offset is rounded to float64
    from integers and errs by 2**-52 of itself besides. What lies within 2**-44 ulp of a rounding
    boundary or of a binade's edge stays open.
    """
    size = -(-(format.precision + _BITS_BEYOND_THE_FORMAT) // LIMB)
    memory = memory or (np.empty(len(x)), np.empty(len(x)), np.empty(len(x)))
    out = LongResults(*memory, np.empty(0, np.int64))

    # The exponentials wait where the results will stand, two limbs in an integer.
    def keep(part: slice, limbs: Limbs, q: NDArray[np.int64]) -> None:
        _integers(out.rounded, part)[:] = (limbs[0] << LIMB) + limbs[1]
        _integers(out.offset, part)[:] = (limbs[2] << LIMB) + limbs[3] if size == 4 else limbs[2]
        _integers(out.ulp, part)[:] = q

    rest = summed(x, size, keep)
    inverse, exponent = _inverse(total([Ball(rest.most, 0), rest.others]), size)
    found = []
    for part in blocks(len(x)):
        pairs = _integers(out.rounded, part), _integers(out.offset, part)
        limbs = [pairs[0] >> LIMB, pairs[0] & _MASK]
        limbs += [pairs[1] >> LIMB, pairs[1] & _MASK] if size == 4 else [pairs[1]]
        quotient = product(limbs, inverse, size)
        q = _integers(out.ulp, part) + exponent
        found.append(part.start + _round(quotient, q, format, out, part))
    return out._replace(open=np.concatenate(found))


def _integers(array: Array, part: slice) -> NDArray[np.int64]:
    return array[part].view(np.int64)


def _inverse(denominator: Ball, size: int) -> tuple[list[int], int]:
    """Limbs of a number in [1/2, 1] and e: 2 exp(.) times its 2**e over the sum is the quotient."""
    man, bits = denominator.man, denominator.man.bit_length()
    # man = s 2**bits with s in [1/2, 1); 1/s = 2 times what the limbs hold.
    limbs = limbs_of((1 << (LIMB * size + bits - 1)) // man, size)
    return limbs, 2 - bits - denominator.exp


def _round(
    f: Limbs, exponent: NDArray[np.int64], format: Format, out: LongResults, part: slice
) -> NDArray[np.int64]:
    """Round z = 2**exponent f, f in [0.24, 1]; the places that stay open."""
    p, head = format.precision, (f[0] << LIMB) + f[1]  # in units of 2**-60
    low = f[-1] * 2.0 ** -(LIMB * (len(f) - 2))
    for place in range(2, len(f) - 1):
        low += f[place] * 2.0 ** -(LIMB * (place - 1))
    binade = exponent - 3
    for bits in (_TWO - 2, _TWO - 1, _TWO):
        binade += head >= 1 << bits
    ulp = np.maximum(binade, format.emin) - (p - 1)
    shift = ulp - exponent + _TWO
    by = np.minimum(shift, _MOST_SHIFT)
    multiple = (head + (1 << (by - 1))) >> by
    offset = (head - (multiple << by)) + low
    offset = _scaled(offset, -shift)
    deep = shift > _MOST_SHIFT
    if deep.any():
        offset[deep] = np.maximum(offset[deep], _SMALLEST)
    unit = _scaled(1.0, ulp)
    out.rounded[part], out.offset[part], out.ulp[part] = multiple * unit, offset, unit
    near = np.abs(offset)
    edge = (multiple == 1 << (p - 1)) | (multiple == 1 << p)
    return np.flatnonzero((near >= 0.5 - _OPEN) | (edge & (near <= _OPEN)))


def _scaled(values: Array | float, exponent: NDArray[np.int64]) -> Array:
    """values * 2**exponent."""
    if exponent.min() >= -1022 and exponent.max() <= 1023:
        return np.asarray(values * ((exponent + 1023) << 52).view(np.float64))
    return np.ldexp(values, exponent.astype(np.int32))
