"""Exact values in decimal digits."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax_harness.operations import ANYTHING, Enclosure, Operands, Problem, asked_text
from softmax_harness.truth.long_rows import enclosing

DIGITS = 25
# 25 digits are 84 bits; the others leave no doubt about the last of them, but once in 2**44 values.
_BITS = 128


def digits(value: Any, count: int = DIGITS) -> str:
    """An mpf, rounded to so many decimal digits."""
    import mpmath  # where digits are asked for; who has none to show starts without it

    return str(mpmath.nstr(value, count))


def exact_digits(
    problem: Problem, x: NDArray[np.float64], index: int, operands: Operands = ()
) -> str | None:
    """The exact result at `index` of a row; None where the policy takes anything.

    Parameters
    ----------
    problem : Problem
        Its operation and policy; the formats do not change what is exact.
    x : ndarray of float64, shape (n,)
        The stored logits of the row.
    index : int
        Which of its results.
    operands : tuple of ndarray
        The row of each operand of the operation.
    """
    in_a_row = tuple(each[None] for each in operands)
    fixed, expected = problem.special_values(x[None], in_a_row)
    if fixed[0, index]:
        asked = float(expected[0, index])
        return None if asked == ANYTHING else asked_text(asked)
    return digits_of(enclosing(problem.operation, x, operands, _BITS)(index))


def digits_of(enclosure: Enclosure) -> str:
    """The middle of an enclosure in `DIGITS` digits."""
    from mpmath import libmp, mp

    return digits(mp.make_mpf(libmp.from_man_exp(enclosure.man, enclosure.exp)))
