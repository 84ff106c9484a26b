"""Matrix products of slices, exact in float64 whatever order a library adds in.

Ozaki, Ogita, Oishi & Rump, "Error-free transformations of matrix multiplication by using fast
routines of matrix multiplication and its applications", Numerical Algorithms 59, 2012. A number is
cut into slices of so few bits that each product of two slices, and each sum of `depth` of them, is
an integer below 2**53 in units of its own: no addition rounds. What is left over is bounded.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from softmax_harness.operations.screen.sums import two_sum
from softmax_harness.operations.screen.workspace import Array, aligned


class Sliced(NamedTuple):
    """Numbers of magnitude 1 or less as a sum of slices.

    Attributes
    ----------
    slices : list of ndarray
        Slice i holds multiples of 2**-(bits + i (bits + 1)), at most 2**(-i (bits + 1)) each.
    bits : int
    rest : float
        Bound of what the slices leave of each number; 0 where that is nothing.
    """

    slices: list[Array]
    bits: int
    rest: float


def bits_for(depth: int) -> int:
    """Bits of a slice so that sums of `depth` products are below 2**52.

    That is half of what float64 holds: the second part of a number, which joins what the first
    slices leave, may take a slice above its bound by one part in 2**8.
    """
    return (52 - math.ceil(math.log2(max(depth, 1)))) // 2


def sliced(values: Array, bits: int, least: float, low: Array | None = None) -> Sliced:
    """Cut numbers |values| <= 1 until nothing is left or at most about `least` is.

    Parameters
    ----------
    low : ndarray or None
        A second part of each number, below an ulp of the first.

    Notes
    -----
    Adding 1.5 * 2**(52 - bits) leaves multiples of 2**-bits, of numbers up to 1; what is cut off is
    exact and at most 2**-(bits + 1). It is added to `low` exactly, as two numbers again; beside a
    slice, `low` counts for 2**-9 of it at most, so that three quarters of the last slice's unit
    bound both.
    """
    grid, bound = 1.5 * 2.0 ** (52 - bits), 1.0
    left, found = values, list[Array]()
    while True:
        part = np.add(left, grid, out=aligned(left.shape))
        part -= grid
        found.append(part)
        left = np.subtract(left, part, out=None if left is values else left)
        if low is not None:
            left, low = two_sum(left, low)
        grid, bound = grid * 2.0 ** -(bits + 1), bound * 2.0 ** -(bits + 1)
        is_left = bool(left.size and (left.max() or left.min()))
        if bound <= least or not is_left:
            rest = 1.5 * bound if is_left or (low is not None and low.any()) else 0.0
            return Sliced(found, bits, rest)


class Parts(NamedTuple):
    """Exact sums of products of slices, the largest first, which add up to a matrix product.

    Attributes
    ----------
    each : list of ndarray of float64, shape (rows, m)
    missing : float
        Bound of what all of them leave of it.
    """

    each: list[Array]
    missing: float


def parts(a: Sliced, b: Sliced, least: float, depth: int) -> Parts:
    """The sums of a b over the last axis of a, `depth` long.

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
    depth.
    """
    pairs = [(i, j) for i in range(len(a.slices)) for j in range(len(b.slices))]
    size = {pair: 2.0 ** (-sum(pair) * (a.bits + 1)) for pair in pairs}
    kept = sorted((pair for pair in pairs if size[pair] > least), key=sum)
    left_out = sum(size[pair] for pair in pairs if size[pair] <= least)
    found = dict[tuple[int, int], Array]()
    for j, other in enumerate(b.slices):  # which are read once each
        some = [each for i, each in enumerate(a.slices) if size[i, j] > least]
        found |= {(i, j): each for i, each in enumerate(_together(some, other))}
    missing = 1.01 * depth * (a.rest + b.rest + left_out)
    return Parts([found[pair] for pair in kept], missing)


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


def _together(a: list[Array], b: Array) -> Array:
    """The products of several a, shape (rows, depth), with b or with each row's own b."""
    if not a:
        return np.empty((0, 0, 0))
    if b.ndim == 2:
        return (np.concatenate(a) @ b).reshape(len(a), -1, b.shape[-1])
    return np.moveaxis(np.matmul(np.stack(a, axis=1), b), 1, 0)


def times(a: Array, b: Array) -> Array:
    """The matrix product of each row of a, shape (rows, depth), with b or with its own b."""
    return a @ b if b.ndim == 2 else np.matmul(a[:, None, :], b)[:, 0]
