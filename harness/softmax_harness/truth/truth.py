"""Exact results in a form that NumPy can compare with: correct rounding and remainder."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from softmax_harness.formats import Format


@dataclass(frozen=True)
class Truth:
    """The exact results z of a batch, seen from one format.

    Attributes
    ----------
    format : Format
        The format that is judged.
    rounded : ndarray of float64, shape (rows, n)
        RN(z), the number of the format nearest to z, ties to even; where `fixed`, what the
        policy asks for: a number, NaN, or infinity for anything at all.
    offset : ndarray of float64, shape (rows, n)
        (z - RN(z)) / ulp(z), in [-1/2, 1/2], with the relative precision of a float64.
    ulp_exponent : ndarray of int64, shape (rows, n)
        k with ulp(z) = 2**k.
    fixed : ndarray of bool, shape (rows, n)
        Where the special-value policy, not the definition, gives the result.
    """

    format: Format
    rounded: NDArray[np.float64]
    offset: NDArray[np.float64]
    ulp_exponent: NDArray[np.int64]
    fixed: NDArray[np.bool_]

    @property
    def ulp(self) -> NDArray[np.float64]:
        """ulp(z), a power of two."""
        return np.ldexp(1.0, self.ulp_exponent)

    @property
    def value(self) -> NDArray[np.float64]:
        """z to the precision of a float64 (0 where it is smaller than that reaches)."""
        return self.rounded + self.offset * self.ulp
