"""The table of 2**(j/N) and the pieces of (ln 2)/N, from exact integers.

Every x is k (ln 2)/N + r with k the nearest integer, so that exp(x) = 2**q T_j e**r where
k = q N + j and T_j = 2**(j/N). With N = 2**14, |r| is at most (ln 2)/(2 N) < 2**-15.5.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.formats import rounded_shift

TABLE_BITS = 14
N = 1 << TABLE_BITS
_BITS = 240  # behind the point of the integers that all is made from
_LIMB, _LIMBS = 25, 8
_LARGEST_DIGIT = (1 << _LIMB) - 1

# Grids of the pieces of (ln 2)/N < 2**-14.5. |k| < 2**25, so that a piece of 27 bits times k is
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


@cache
def constants() -> Constants:
    """`Constants`, made once for each process."""
    first, *pieces = [np.ldexp(each.astype(float), -_LIMB * i) for i, each in enumerate(_table())]
    whole = first + pieces.pop(0)  # 26 bits, and so exact
    beyond = _sum(pieces[::-1])
    high = np.ldexp(np.rint(np.ldexp(whole + beyond, _LIMB)), -_LIMB)
    nearest = whole + beyond
    # Exact until 2**-100 is reached: each sum is small and a multiple of its last term's unit.
    low = _sum([whole - nearest, *pieces])
    rest = _sum([whole - high, *pieces])
    ln2 = _ln2()
    return Constants(high, nearest, low, rest, _ln2_pieces(ln2), (N << _BITS) / ln2)


def _table() -> list[NDArray[np.int64]]:
    """T_j in digits to the base 2**25, the first one before the point, error below 2**-145.

    As 2**(a/128) 2**(b/N), j = 128 a + b, multiplied digit by digit: what is left out are products
    below 2**50 of digits whose places add up to 8 or more, fewer than 8 of the first kind.
    """
    steps = 1 << (TABLE_BITS // 2)
    root = 2 << _BITS
    for _ in range(TABLE_BITS):
        root = math.isqrt(root << _BITS)
    fine = _powers(root, steps)
    coarse = _powers((fine[-1] * root) >> _BITS, steps)
    a, b = _digits(coarse)[:, :, None], _digits(fine)[:, None, :]
    places = [sum(a[i] * b[place - i] for i in range(place + 1)) for place in range(_LIMBS)]
    for place in range(_LIMBS - 1, 0, -1):
        places[place - 1] += places[place] >> _LIMB
        places[place] &= _LARGEST_DIGIT
    return [each.ravel() for each in places]


def _sum(terms: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    total = terms[0]
    for each in terms[1:]:
        total = total + each
    return total


def _powers(factor: int, count: int) -> list[int]:
    """The first powers of factor / 2**`_BITS` > 1, in the same units, cut: error below 2**-200."""
    values = [1 << _BITS]
    for _ in range(count - 1):
        values.append((values[-1] * factor) >> _BITS)
    return values


def _digits(values: list[int]) -> NDArray[np.int64]:
    shifts = [_BITS - _LIMB * place for place in range(_LIMBS)]
    return np.array([[value >> shift & _LARGEST_DIGIT for value in values] for shift in shifts])


def _ln2() -> int:
    """ln 2 in units of 2**-`_BITS`, error below 2**10 of them.

    18 artanh(1/26) - 2 artanh(1/4801) + 8 artanh(1/8749), since
    (27/25)**9 (4800/4802) (8750/8748)**4 = 2.
    """
    return 18 * _artanh(26) - 2 * _artanh(4801) + 8 * _artanh(8749)


def _artanh(inverse: int) -> int:
    """Sum of inverse**-(2k+1) / (2k+1), in units of 2**-`_BITS`; each term cut."""
    power, total, odd = (1 << _BITS) // inverse, 0, 1
    while power:
        total += power // odd
        power //= inverse * inverse
        odd += 2
    return total


def _ln2_pieces(ln2: int) -> tuple[float, float, float, float]:
    left, bits, pieces = ln2, _BITS + TABLE_BITS, []
    for grid in _GRIDS:
        piece = rounded_shift(left, bits - grid)
        pieces.append(math.ldexp(piece, -grid))
        left -= piece << (bits - grid)
    first, second, third = pieces
    return first, second, third, math.ldexp(left, -bits)
