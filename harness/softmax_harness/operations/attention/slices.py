"""Matrix products of slices, exact in float64 whatever order a library adds in.

Ozaki, Ogita, Oishi & Rump, "Error-free transformations of matrix multiplication by using fast
routines of matrix multiplication and its applications", Numerical Algorithms 59, 2012. A number is
cut into slices of so few bits that each product of two slices, and each sum of `depth` of them, is
an integer below 2**53 in units of its own: no addition rounds. What is left over is bounded.
"""

from __future__ import annotations

import math
from itertools import groupby
from typing import NamedTuple

import numpy as np

from softmax_harness.operations.screen.sums import two_sum
from softmax_harness.operations.screen.workspace import Array, aligned

MOST_EXPONENT = 400


class Sliced(NamedTuple):
    """Numbers of magnitude 1 or less, in units of 2**`exponent`, as a sum of slices.

    Attributes
    ----------
    slices : list of ndarray
        Slice i holds multiples of 2**-(bits + i (bits + 1)), at most 2**(-i (bits + 1)) each, both
        in these units.
    bits : int
    rest : float
        Bound of what the slices leave of each number, in these units; 0 where that is nothing.
    exponent : int
        From -`MOST_EXPONENT` to that, so that no unit of a slice underflows.
    """

    slices: list[Array]
    bits: int
    rest: float
    exponent: int = 0

    def of_rows(self, part: slice) -> Sliced:
        """Those of some rows."""
        return self._replace(slices=[each[part] for each in self.slices])


def bits_for(depth: int) -> int:
    """Bits of a slice so that sums of `depth` products are below 2**52.

    That is half of what float64 holds: the second part of a number, which joins what the first
    slices leave, may take a slice above its bound by one part in 2**8.
    """
    return (52 - math.ceil(math.log2(max(depth, 1)))) // 2


def sliced(
    values: Array, bits: int, least: float, low: Array | None = None, exponent: int = 0
) -> Sliced:
    """Cut numbers |values| <= 1, in units of 2**`exponent`, until at most about `least` is left.

    Parameters
    ----------
    values : ndarray
        Left as it is.
    low : ndarray or None
        A second part of each number, below an ulp of the first.

    Notes
    -----
    Adding 1.5 * 2**(52 - bits) leaves multiples of 2**-bits, of numbers up to 1; what is cut off is
    exact and at most 2**-(bits + 1). It is added to `low` exactly, as two numbers again; beside a
    slice, `low` counts for 2**-9 of it at most, so that three quarters of the last slice's unit
    bound both.
    """
    grid, bound = 1.5 * 2.0 ** (52 - bits + exponent), 1.0
    left, found = values, list[Array]()
    while True:
        part = np.add(left, grid, out=aligned(left.shape))
        part -= grid
        found.append(part)
        if low is None and _are_equal(part, left):
            return Sliced(found, bits, 0.0, exponent)
        left = np.subtract(left, part, out=aligned(left.shape) if left is values else left)
        is_left = low is None
        if low is not None:
            left, low = two_sum(left, low)
            is_left = bool(left.any())
        grid, bound = grid * 2.0 ** -(bits + 1), bound * 2.0 ** -(bits + 1)
        if bound <= least or not is_left:
            rest = 1.5 * bound if is_left or (low is not None and low.any()) else 0.0
            return Sliced(found, bits, rest, exponent)


def _are_equal(a: Array, b: Array) -> bool:
    """Whether all are; where they are not, a few of them mostly tell."""
    return bool((a[..., -1:] == b[..., -1:]).all() and (a == b).all())


class Parts(NamedTuple):
    """Exact sums of products of slices, the largest first, which add up to a matrix product.

    Attributes
    ----------
    each : list of ndarray of float64, shape (rows, m)
        Integers of about 2**52 at most, times a power of two: see `bits_for`.
    missing : float
        Bound of what all of them leave of it.
    """

    each: list[Array]
    missing: float


def parts(a: Sliced, b: Sliced, least: float, depth: int) -> Parts:
    """The sums of a b over the last axis of a, `depth` long, in units of both exponents.

    Parameters
    ----------
    a : Sliced, arrays of shape (rows, depth)
    b : Sliced, arrays of shape (depth, m) or (rows, depth, m)
        Of the same number of bits.
    least : float
        Products of slices that are smaller than that are left out.

    Notes
    -----
    The rests leave depth (rest of a + rest of b) (1 + 2**-20), what is left out its size times
    depth. Products of one size, whose slices have the same sum of places, are added as long as
    integers hold them: see `bits_for`.
    """
    pairs = [(i, j) for i in range(len(a.slices)) for j in range(len(b.slices))]
    size = {pair: 2.0 ** (-sum(pair) * (a.bits + 1)) for pair in pairs}
    kept = sorted((pair for pair in pairs if size[pair] > least), key=sum)
    left_out = sum(size[pair] for pair in pairs if size[pair] <= least)
    found = dict[tuple[int, int], Array]()
    # Of a, which is the smaller one, both units are taken off.
    own = _stacked(a, b)
    for j, other in enumerate(b.slices):  # which are read once each
        count = sum(size[i, j] > least for i in range(len(a.slices)))
        if count:
            found |= {(i, j): each for i, each in enumerate(_together(own, count, other))}
    missing = 1.01 * depth * (a.rest + b.rest + left_out)
    most = max(1, (1 << 52 - 2 * a.bits) // max(depth, 1))
    return Parts(_by_size(found, kept, most), missing)


def _by_size(
    found: dict[tuple[int, int], Array], kept: list[tuple[int, int]], most: int
) -> list[Array]:
    """Products whose pairs of places have the same sum, so many added at most, exactly."""
    added: list[Array] = []
    for _, pairs in groupby(kept, key=sum):
        own = [found[pair] for pair in pairs]
        for start in range(0, len(own), most):
            first, *others = own[start : start + most]
            for other in others:
                first += other
            added.append(first)
    return added


def product(a: Sliced, b: Sliced, least: float, depth: int) -> tuple[Array, Array, float]:
    """`parts` added up, as a normalised pair with the bound of its absolute error.

    Of P parts, each at most `depth`, no rounding error of the leading sum is lost but by the
    additions of these errors: of P times 2 u depth, by P u: 2 P**2 u**2 depth.
    """
    found = parts(a, b, least, depth)
    high, low = found.each[0], np.zeros(found.each[0].shape)
    for part in found.each[1:]:
        high, error = two_sum(high, part)
        low += error
    high, low = two_sum(high, low)
    count = len(found.each)
    rounding = 2.0 * count**2 * 2.0**-106 * depth if count > 1 else 0.0
    return high, low, found.missing + rounding


def _are_transposed(b: Array) -> bool:
    """Whether each row's own b lies in memory column by column."""
    return b.ndim == 3 and b.strides[-1] > b.strides[-2]


def _stacked(a: Sliced, b: Sliced) -> Array:
    """The slices of a, as `_together` takes them, less the powers of two of both."""
    own = a.slices
    if a.exponent or b.exponent:
        own = [each * 2.0**-a.exponent * 2.0**-b.exponent for each in own]
    if b.slices[0].ndim == 2:
        return np.stack(own)
    return np.stack(own, axis=-1 if _are_transposed(b.slices[0]) else 1)


def _together(a: Array, count: int, b: Array) -> Array:
    """The products of the first slices of a with b or with each row's own b."""
    if b.ndim == 2:
        some = a[:count]
        return np.asarray((some.reshape(-1, some.shape[-1]) @ b).reshape(count, -1, b.shape[-1]))
    if not _are_transposed(b):
        return np.asarray(np.matmul(a[:, :count], b).swapaxes(0, 1))
    # A few columns are multiplied twice as fast as a few rows.
    found = np.matmul(b.swapaxes(-1, -2), a[..., :count])
    return np.ascontiguousarray(found.transpose(2, 0, 1))


def times(a: Array, b: Array) -> Array:
    """The matrix product of each row of a, shape (rows, depth), with b or with its own b."""
    return a @ b if b.ndim == 2 else np.matmul(a[:, None, :], b)[:, 0]
