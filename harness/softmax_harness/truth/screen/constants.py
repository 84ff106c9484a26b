"""The table of 2**(j/N) and the pieces of (ln 2)/N, from exact integers.

Every x is k (ln 2)/N + r with k the nearest integer, so that exp(x) = 2**q T_j e**r where
k = q N + j and T_j = 2**(j/N). With N = 2**14, |r| is at most (ln 2)/(2 N) < 2**-15.5.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import mpmath
import numpy as np
from numpy.typing import NDArray

from softmax_harness.formats import rounded_shift

TABLE_BITS = 14
N = 1 << TABLE_BITS
_BITS = 240  # of the integers that the table is made from; its errors stay below 2**-200

# Grids of the pieces of (ln 2)/N < 2**-14.5. |k| < 2**26, so that a piece of 27 bits times k is
# exact: the first three have at most 27 bits each, and k times the fourth is below 2**-71.
_GRIDS = (41, 68, 96)


@dataclass(frozen=True)
class Constants:
    """What both kernels are built on.

    Attributes
    ----------
    high : ndarray of float64, shape (N,)
        T_j rounded to 26 bits, multiples of 2**-25 in [1, 2].
    nearest : ndarray of float64, shape (N,)
        RN(T_j).
    low : ndarray of float64, shape (N,)
        T_j - RN(T_j), rounded.
    rest : ndarray of float64, shape (N,)
        T_j - high, rounded.
    ln2 : tuple of float
        Four pieces that sum to (ln 2)/N, relative error below 2**-130.
    per_ln2 : float
        N / ln 2, rounded.
    """

    high: NDArray[np.float64]
    nearest: NDArray[np.float64]
    low: NDArray[np.float64]
    rest: NDArray[np.float64]
    ln2: tuple[float, float, float, float]
    per_ln2: float


def powers() -> list[int]:
    """floor-ish 2**(j/N) 2**240 for each j: by repeated multiplication, error below 2**15 units."""
    with mpmath.workprec(2 * _BITS):
        factor = int(mpmath.ldexp(mpmath.power(2, mpmath.mpf(1) / N), _BITS))
    values = [1 << _BITS]
    for _ in range(N - 1):
        values.append((values[-1] * factor) >> _BITS)
    return values


@cache
def constants() -> Constants:
    """`Constants`, made once for each process."""
    exact = powers()
    high = [rounded_shift(value, _BITS - 25) for value in exact]
    nearest = [rounded_shift(value, _BITS - 52) for value in exact]
    rest = [value - (each << (_BITS - 25)) for value, each in zip(exact, high, strict=True)]
    low = [value - (each << (_BITS - 52)) for value, each in zip(exact, nearest, strict=True)]
    return Constants(
        np.ldexp(np.array(high, float), -25),
        np.ldexp(np.array(nearest, float), -52),
        np.array([math.ldexp(float(each), -_BITS) for each in low]),
        np.array([math.ldexp(float(each), -_BITS) for each in rest]),
        _ln2_pieces(),
        float(N / mpmath.ln2),
    )


def _ln2_pieces() -> tuple[float, float, float, float]:
    with mpmath.workprec(2 * _BITS):
        left = mpmath.ln2 / N
        pieces = []
        for grid in _GRIDS:
            piece = mpmath.ldexp(mpmath.nint(mpmath.ldexp(left, grid)), -grid)
            pieces.append(float(piece))
            left -= piece
        first, second, third = pieces
        return first, second, third, float(left)
