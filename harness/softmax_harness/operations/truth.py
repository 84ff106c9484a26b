"""Exact results in a form that NumPy can compare with: correct rounding and remainder."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.formats import Format

_SIGN_ALONE = 2.0**-499
"""The largest `Truth.offset` of a result near 0 of which a screen may know no more than the sign.

What it states as the size would be far too large where z is exp(-1e30), and a bound with it.
"""


def remainder(
    offset: NDArray[np.float64], ulp: NDArray[np.float64], format: Format
) -> NDArray[np.float64]:
    """z - RN(z) of elements of a `Truth`, 0 where the sign alone is known."""
    found = offset * ulp
    least = _SIGN_ALONE * format.smallest_subnormal
    if least:  # or it is 0 already
        found[np.abs(found) <= least] = 0.0
    return found


@dataclass(frozen=True)
class Truth:
    """The exact results z of a batch, seen from one format.

    Attributes
    ----------
    format : Format
        The format that is judged.
    rounded : ndarray of float64, shape (rows, n)
        RN(z), the number of the format nearest to z, ties to even; where `fixed`, what the
        policy asks for: a number, NaN, `ANYTHING`, `ZERO_OR_NAN` or `INFINITY_OR_NAN`.
    offset : ndarray of float64, shape (rows, n)
        (z - RN(z)) / ulp(z), in [-1/2, 1/2], with the relative precision of a float64. Where RN(z)
        is no number, being beyond the largest one of the format, (z - that one) / ulp(z) with the
        sign of z: infinite where z is beyond float64 too.
    ulp : ndarray of float64, shape (rows, n)
        ulp(z), a power of two.
    fixed : ndarray of bool, shape (rows, n)
        Where the special-value policy, not the definition, gives the result.
    """

    format: Format
    rounded: NDArray[np.float64]
    offset: NDArray[np.float64]
    ulp: NDArray[np.float64]
    fixed: NDArray[np.bool_]

    @property
    def ulp_exponent(self) -> NDArray[np.int64]:
        """k with ulp(z) = 2**k."""
        return np.frexp(self.ulp)[1].astype(np.int64) - 1

    @property
    def value(self) -> NDArray[np.float64]:
        """z to the precision of a float64, 0 where only its sign is known or a float64 ends."""
        return self.nearest + remainder(self.offset, self.ulp, self.format)

    @property
    def nearest(self) -> NDArray[np.float64]:
        """The number from which `offset` counts: RN(z), or the largest one where z is beyond it."""
        beyond = ~np.isfinite(self.rounded) & ~self.fixed
        if not beyond.any():
            return self.rounded
        return np.where(beyond, np.copysign(self.format.largest, self.rounded), self.rounded)

    def rows(self, chosen: NDArray[np.int64] | NDArray[np.bool_] | slice) -> Truth:
        """The truth of some rows; of a slice in the same memory."""
        return Truth(
            self.format,
            self.rounded[chosen],
            self.offset[chosen],
            self.ulp[chosen],
            self.fixed[chosen],
        )

    def with_fixed(self, fixed: NDArray[np.bool_], expected: NDArray[np.float64]) -> Truth | None:
        """The same truth where a policy fixes other results; None if it fixes other places."""
        if not np.array_equal(fixed, self.fixed):
            return None
        format = self.format
        one = np.abs(expected) == 1.0
        ulp = np.where(one, 2.0 * format.unit_roundoff, format.smallest_subnormal)
        return Truth(
            format,
            np.where(fixed, expected, self.rounded),
            np.where(fixed, 0.0, self.offset),
            np.where(fixed, ulp, self.ulp),
            fixed,
        )

    def columns(self, chosen: slice) -> Truth:
        """The truth of some columns, in the same memory."""
        return self.block(slice(None), chosen)

    def block(self, rows: slice, columns: slice | NDArray[np.int64]) -> Truth:
        """The truth of some columns of some rows, by slices in the same memory."""
        place = rows, columns
        return Truth(
            self.format,
            self.rounded[place],
            self.offset[place],
            self.ulp[place],
            self.fixed[place],
        )

    def replace_rows(self, chosen: NDArray[np.int64], other: Truth) -> None:
        """Put the rows of `other` in the place of some rows."""
        self.rounded[chosen], self.offset[chosen] = other.rounded, other.offset
        self.ulp[chosen], self.fixed[chosen] = other.ulp, other.fixed
