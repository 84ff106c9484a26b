"""The three steps of softmax, exactly: exponentiate, sum, normalise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import mpmath
import numpy as np
from mpmath import libmp
from numpy.typing import NDArray

from softmax_harness.operations import limbs
from softmax_harness.operations.softmax import exp_relative

_BITS, _GUARD = 128, 16


@dataclass(frozen=True)
class ExactSteps:
    """exp(x_i), their sum, and the quotients, as mpf of 128 bits.

    Attributes
    ----------
    row : ndarray of float64, shape (n,)
    total : mpf
    """

    row: NDArray[np.float64]
    total: Any

    def exponential(self, index: int) -> Any:
        """exp(x_i)."""
        with mpmath.workprec(_BITS):
            return _exponential(float(self.row[index]))

    def quotient(self, index: int) -> Any:
        """exp(x_i) over the sum."""
        with mpmath.workprec(_BITS):
            return self.exponential(index) / self.total if self.total else mpmath.nan


def exact_exp(value: Any) -> Any:
    """exp of an mpf to mpmath's working precision, 0 for -inf; no argument is too large for it."""
    if not mpmath.isfinite(value):
        return mpmath.exp(value)
    return mpmath.mp.make_mpf(exp_relative(mpmath.mpf(value)._mpf_, mpmath.mp.prec))


def exact_steps(row: NDArray[np.float64]) -> ExactSteps:
    """The steps for one row of numbers and -inf, shape (n,)."""
    with mpmath.workprec(_BITS):
        return ExactSteps(row, _total(row[np.isfinite(row)]))


def _total(finite: NDArray[np.float64]) -> Any:
    if len(finite) >= limbs.LONG:
        rest = limbs.rest_of_row(finite, _BITS + _GUARD)
        if not rest.beyond:
            others = mpmath.ldexp(rest.others.man, rest.others.exp)
            return _exponential(float(finite.max())) * (rest.most + others)
    return mpmath.fsum(_exponential(value) for value in finite.tolist())


def _exponential(value: float) -> Any:
    return exact_exp(mpmath.mp.make_mpf(libmp.from_float(value)))
