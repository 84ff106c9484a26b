"""Fractions as limbs of 30 bits: a list of integer arrays, the most significant first.

Limb i counts units of 2**(-30 (i + 1)). All but the first are in [0, 2**30); the first has the
sign. U stands for 2**(-30 size), the unit of the last of `size` limbs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

LIMB = 30
_MASK = (1 << LIMB) - 1
_MOST_PRODUCTS = 7  # each below 2**60, with a carry below 2**62 fit into 63 bits
Limbs = list[NDArray[np.int64]]


def limbs_of(value: int, size: int) -> list[int]:
    """The limbs of value * 2**(-30 size), value >= 0."""
    return [
        value >> LIMB * (size - 1),
        *(value >> LIMB * i & _MASK for i in range(size - 2, -1, -1)),
    ]


def product(a: Sequence[Any], b: Sequence[Any], size: int, plus: Sequence[Any] = ()) -> Limbs:
    """a b + plus, cut to `size` limbs: too small by less than (size + 1) U, or exact.

    `a` has `size` limbs, the others as many or fewer.

    The products of the limbs i and j with i + j < size are added up in columns. Those left out are
    of limbs of no sign, size - 1 in the column i + j = size, each below 2**60 units of 2**-60 U,
    and fewer in those after it: together below size U. What the last column carries is
    cut by less than U.
    """
    out: list[Any] = [0] * size
    carry: Any = None
    term = np.empty_like(a[0])
    for column in range(size - 1, -1, -1):
        total, high, count = carry, None, 0
        for i in range(max(0, column + 1 - len(b)), min(column + 1, len(a))):
            if total is None:
                total, count = a[i] * b[column - i], 1
                continue
            if count == _MOST_PRODUCTS:
                high = total >> LIMB if high is None else high + (total >> LIMB)
                total &= _MASK
                count = 0
            np.multiply(a[i], b[column - i], out=term)
            total += term
            count += 1
        if 0 < column + 1 < min(size, len(plus)):
            total += plus[column + 1]
        carry = total >> LIMB
        if high is not None:
            carry += high
        if column + 1 < size:
            total &= _MASK
            out[column + 1] = total
    if len(plus):
        carry += plus[0]
    out[0] = carry
    return out


def digits(values: NDArray[np.float64], size: int) -> tuple[NDArray[np.int64], Limbs]:
    """The integer part of each value, and the limbs of the rest: up to `size`, as many as it has.

    All have the sign of the value. Each step is exact; what is cut off is below U.
    """
    whole = np.trunc(values)
    left = values - whole
    found: Limbs = []
    while len(found) < size and left.any():
        left *= float(1 << LIMB)
        digit = np.trunc(left)
        left -= digit
        found.append(digit.astype(np.int64))
    return whole.astype(np.int64), found
