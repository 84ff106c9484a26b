"""The errors of many results at one of two logits, and which are the nearest numbers.

For z that is no number of the format and no tie, y = RN(z) exactly where |y - z| < ulp(z)/2: the
numbers about z are multiples of ulp(z), and those with a finer spacing lie below its binade. Every
z here is transcendental (Lindemann-Weierstrass), since the two logits differ.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from softmax_harness.operations.screen.difference import Side

Array = NDArray[np.float64]
Places = NDArray[np.intp]
NONE: Places = np.empty(0, np.intp)


@dataclass
class JudgedSide:
    """The errors of the results on one side.

    Attributes
    ----------
    error : ndarray of float64
        |y - z| / ulp(z); NaN where y is no number, or a row is left out.
    nearest : ndarray of bool
        Where y is RN(z), and the row is not left out.
    open : ndarray of int
        The places where the screen does not decide that; once they are left out, all such places.
    """

    error: Array
    nearest: NDArray[np.bool_]
    open: Places

    @classmethod
    def of(cls, y: Array, side: Side, blur: float) -> JudgedSide:
        """The errors of y, each of which may be wrong by `blur` ulp."""
        error = y - side.base
        error -= side.rest
        error *= side.per_ulp
        np.abs(error, out=error)
        beyond = error - 0.5
        nearest = beyond < 0.0
        np.abs(beyond, out=beyond)
        open_ = NONE
        if not beyond.min() > blur:  # also where one is NaN
            open_ = np.flatnonzero(beyond <= blur)
        if side.open is not None:
            open_ = np.union1d(open_, np.flatnonzero(side.open))
        return cls(error, nearest, open_)

    def leave_out(self, places: Places) -> None:
        """Leave out rows that are judged elsewhere."""
        if places.size:
            self.error[places], self.nearest[places] = np.nan, False
        self.open = places

    @property
    def others(self) -> Places:
        """Where y is not RN(z)."""
        places = np.flatnonzero(~self.nearest)
        return np.setdiff1d(places, self.open, assume_unique=True) if self.open.size else places
