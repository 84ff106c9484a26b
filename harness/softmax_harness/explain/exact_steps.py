"""The three steps of softmax, exactly: exponentiate, sum, normalise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import mpmath
import numpy as np
from mpmath import libmp
from numpy.typing import NDArray

from softmax_harness.operations.softmax import exp_relative

_BITS = 128


@dataclass(frozen=True)
class ExactSteps:
    """exp(x_i), their sum, and the quotients, as mpf of 128 bits.

    Attributes
    ----------
    exponentials, quotients : list of mpf, length n
    total : mpf
    """

    exponentials: list[Any]
    total: Any
    quotients: list[Any]


def exact_exp(value: Any) -> Any:
    """exp of an mpf to mpmath's working precision, 0 for -inf; no argument is too large for it."""
    if not mpmath.isfinite(value):
        return mpmath.exp(value)
    return mpmath.mp.make_mpf(exp_relative(mpmath.mpf(value)._mpf_, mpmath.mp.prec))


def exact_steps(row: NDArray[np.float64]) -> ExactSteps:
    """The steps for one row of numbers and -inf, shape (n,)."""
    with mpmath.workprec(_BITS):
        exponentials = [
            exact_exp(mpmath.mp.make_mpf(libmp.from_float(value))) for value in row.tolist()
        ]
        total = mpmath.fsum(exponentials)
        quotients = [e / total if total else mpmath.nan for e in exponentials]
    return ExactSteps(exponentials, total, quotients)
