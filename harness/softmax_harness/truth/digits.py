"""Exact values in decimal digits."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax_harness.operations import Operands, Operation, Policy

DIGITS = 25
# 25 digits are 84 bits; the others leave no doubt about the last of them, but once in 2**44 values.
_BITS = 128


def digits(value: Any, count: int = DIGITS) -> str:
    """An mpf, rounded to so many decimal digits."""
    import mpmath  # where digits are asked for; who has none to show starts without it

    return str(mpmath.nstr(value, count))


def exact_digits(
    operation: Operation,
    x: NDArray[np.float64],
    index: int,
    policy: Policy,
    operands: Operands = (),
) -> str | None:
    """The exact result at `index` of a row; None where the policy takes anything.

    Parameters
    ----------
    operation : Operation
    x : ndarray of float64, shape (n,)
        The stored logits of the row.
    index : int
        Which of its results.
    policy : Policy
    operands : tuple of ndarray
        The row of each operand of the operation.
    """
    fixed, expected = operation.special_values(
        x[None], policy, tuple(each[None] for each in operands)
    )
    if fixed[0, index]:
        value = float(expected[0, index])
        return None if math.isinf(value) else str(value)
    enclosure = operation.enclose(x, operands, _BITS)[index]
    assert enclosure is not None
    from mpmath import libmp, mp

    return digits(mp.make_mpf(libmp.from_man_exp(enclosure.man, enclosure.exp)))
