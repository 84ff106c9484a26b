"""exp(-d) of an array of numbers d >= 0, as limbs, with a proved bound at every precision.

-d = k (ln 2)/N + r with the nearest integer k <= 0, N = 2**12, so that exp(-d) is
2**(q + 1) (T_j / 2) e**r, where k = q N + j and T_j = 2**(j/N). |r| < 2**-13.5.

With U the unit of the last limb, the errors are, in U:

- r: d comes as two floats whose digits are each cut by less than 1; k, below 2**24, times
  (ln 2)/N, which is known to 2**-30 U, errs by less than 1; the last carry cuts less than 1.
  Together at most 4.
- v = e**r - 1 by Horner's rule, v = r + r (r A_2), A_m = 1/m! + r A_(m+1). What A_m errs by is
  multiplied by r**m, so that it is computed in f = floor(13.5 m / 30) limbs less. One step errs by
  at most size + 1 units of its product, 1 of its constant, and 1 of each of the numbers that are
  cut to its limbs, |r A| being far below 1: size + 4 units, each of which is 2**(30 f - 13.5 m) U
  <= U in v. There are M steps, r A_2 and the last among them. The series ends where
  |r|**(M+1) / (M+1)! is below U/2; what follows is less than that again.
- v as a function of r: the error of r times e**r, at most 4.01.
- T_j / 2 is cut by less than 1.01; times 1 + v: size + 1 for the product, and 1.01 times the rest.

Together at most E = M (size + 4) + size + 10 units in a number of at least 0.49, so that the
result's relative error is below 2.05 E U. exp(0) is exact.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from softmax_harness.operations.limbs.arithmetic import LIMB, Limbs, digits, limbs_of, product

FARTHEST = 1500.0
"""The largest d: exp of it is 0 beside 1 in every format, by a thousand binades."""

_TABLE_BITS = 12
_N = 1 << _TABLE_BITS
_BITS_OF_R = 13.5
_GUARD = 40


@dataclass(frozen=True)
class Constants:
    """What exponentials of some number of limbs are built on.

    Attributes
    ----------
    size : int
        Number of limbs.
    ln2 : list of int
        (ln 2)/N, of one limb more.
    halves : list of ndarray of int64, shape (N,)
        The limbs of T_j / 2.
    inverse_factorials : list of list of int
        The limbs of 1/m! from m = 2 to M.
    """

    size: int
    ln2: list[int]
    halves: Limbs
    inverse_factorials: list[list[int]]

    @property
    def relative_error(self) -> float:
        """The bound of the module's docstring, in U."""
        last = len(self.inverse_factorials) + 1
        return 2.05 * (last * (self.size + 4) + self.size + 10)


@lru_cache(4)
def constants(size: int) -> Constants:
    """`Constants` of so many limbs, made once for each process."""
    from mpmath.libmp import libelefun

    bits = LIMB * (size + 1)
    ln2 = int(libelefun.ln2_fixed(bits + _GUARD)) >> (_TABLE_BITS + _GUARD)
    table = np.array([limbs_of(each, size) for each in _halves(LIMB * size)], dtype=np.int64)
    inverses = [limbs_of((1 << LIMB * size) // math.factorial(m), size) for m in _orders(size)]
    return Constants(size, limbs_of(ln2, size + 1), list(np.ascontiguousarray(table.T)), inverses)


def _orders(size: int) -> range:
    """From 2 to M, the last power of r that counts."""
    last = 2
    while _BITS_OF_R * (last + 1) + math.log2(math.factorial(last + 1)) < LIMB * size + 1:
        last += 1
    return range(2, last + 1)


def _halves(bits: int) -> list[int]:
    """2**(j/N) / 2 in units of 2**-bits, each too small by less than 1.01 of them.

    The root errs by less than 2 units of 2**-(bits + 40), and each of the N powers by 2 more and
    what the root's error adds, twice at most: below N 8 2**-40.
    """
    unit = bits + _GUARD
    root = 2 << unit
    for _ in range(_TABLE_BITS):
        root = math.isqrt(root << unit)
    powers = [1 << unit]
    for _ in range(_N - 1):
        powers.append(powers[-1] * root >> unit)
    return [each >> (_GUARD + 1) for each in powers]


def exponentials(
    high: NDArray[np.float64], low: NDArray[np.float64] | None, c: Constants
) -> tuple[Limbs, NDArray[np.int64]]:
    """exp(-(high + low)) as 2**(q + 1) times limbs in [0.49, 1).

    Parameters
    ----------
    high, low : ndarray of float64, shape (some,)
        0 <= high <= `FARTHEST`, |low| at most half an ulp of high; None for 0.
    """
    k = np.rint(high * (-_N / math.log(2.0))).astype(np.int64)
    v = _exponential_less_one(_reduced(k, high, low, c), c)
    j = k & (_N - 1)
    half = [each.take(j) for each in c.halves]
    return product(half, v, c.size, half), k >> _TABLE_BITS


def _reduced(
    k: NDArray[np.int64],
    high: NDArray[np.float64],
    low: NDArray[np.float64] | None,
    c: Constants,
) -> Limbs:
    """r = -d - k (ln 2)/N."""
    whole, own = digits(high, c.size)
    columns = [own]
    if low is not None:
        below, own = digits(low, c.size)
        whole += below
        columns.append(own)
    k = -k
    out: Limbs = []
    carry = (k * c.ln2[c.size]) >> LIMB
    for place in range(c.size - 1, -1, -1):
        total = k * c.ln2[place]
        total += carry
        for own in columns:
            if place < len(own):
                total -= own[place]
        carry = total >> LIMB
        out.append(total & ((1 << LIMB) - 1) if place else total - (whole << LIMB))
    return out[::-1]


def _exponential_less_one(r: Limbs, c: Constants) -> Limbs:
    series: Limbs = []
    for m in range(len(c.inverse_factorials) + 1, 1, -1):
        size = max(c.size - int(_BITS_OF_R * m / LIMB), 1)
        own = c.inverse_factorials[m - 2][:size]
        series = product(r[:size], series[:size], size, own) if series else _filled(own, r[0])
    product_of_both = product(r, series, c.size)
    return product(r, product_of_both, c.size, r)


def _filled(values: list[int], like: NDArray[np.int64]) -> Limbs:
    return [np.full_like(like, value) for value in values]
