"""Binary floating-point formats: range, spacing, and rounding of an exact value, once.

An exact value is ``man * 2**exp`` with Python integers, the form in which mpmath keeps its
numbers, so no value passes through a second format on its way to the one that is judged
(mpmath#1078 and ml_dtypes#401 are what happens otherwise).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.errors import BadData, unknown

_EXPONENT_FIELD = np.int64(0x7FF << 52)


@dataclass(frozen=True)
class Format:
    """An IEEE 754 style binary format with subnormals and infinities.

    Attributes
    ----------
    name : str
        NumPy's name of the type.
    precision : int
        Bits of the significand, the implicit one included (p).
    emax : int
        Exponent of the largest binade: values are below 2**(emax + 1).
    """

    name: str
    precision: int
    emax: int

    @property
    def emin(self) -> int:
        """Exponent of the smallest normal number, 2**emin."""
        return 1 - self.emax

    @property
    def spacing_exponent(self) -> int:
        """Exponent of the smallest subnormal, the least ulp."""
        return self.emin - self.precision + 1

    @property
    def unit_roundoff(self) -> float:
        """u = 2**-p, half the distance from 1 to the next larger number."""
        return math.ldexp(1.0, -self.precision)

    @property
    def largest(self) -> float:
        """Largest finite number."""
        return math.ldexp(2.0 - math.ldexp(1.0, 1 - self.precision), self.emax)

    @property
    def smallest_normal(self) -> float:
        """2**emin."""
        return math.ldexp(1.0, self.emin)

    @property
    def smallest_subnormal(self) -> float:
        """2**(emin - p + 1)."""
        return math.ldexp(1.0, self.spacing_exponent)

    @property
    def overflow_threshold(self) -> Fraction:
        """(2 - 2**-p) 2**emax: from here on rounding to nearest gives infinity."""
        return (2 - Fraction(1, 2**self.precision)) * Fraction(2) ** self.emax

    @property
    def dtype(self) -> np.dtype[Any]:
        """The NumPy type; bfloat16 comes from the package ml_dtypes."""
        if self.name != "bfloat16":
            return np.dtype(self.name)
        try:
            import ml_dtypes
        except ImportError:
            raise BadData(
                "bfloat16 arrays need the package ml_dtypes: pip install 'softmax-harness[bfloat16]'"
            ) from None
        custom: np.dtype[Any] = np.dtype(ml_dtypes.bfloat16)
        return custom

    def ulp_exponent(self, man: int, exp: int) -> int:
        """k with ulp(z) = 2**k for z = man * 2**exp > 0.

        Goldberg's ulp extended to real numbers: for 2**e <= z < 2**(e+1) it is
        2**(max(e, emin) - p + 1) (Zimmermann et al., "Accuracy of Mathematical Functions in
        Single, Double, Double Extended, and Quadruple Precision").
        """
        binade = exp + man.bit_length() - 1
        return max(binade, self.emin) - self.precision + 1

    def round(self, man: int, exp: int) -> float:
        """The number of this format nearest to man * 2**exp >= 0, ties to even, as a float64.

        Returns
        -------
        float
            Exact in float64, infinity from `overflow_threshold` on.
        """
        if man == 0:
            return 0.0
        ulp_exponent = self.ulp_exponent(man, exp)
        multiple = rounded_shift(man, ulp_exponent - exp)
        try:
            value = math.ldexp(multiple, ulp_exponent)
        except OverflowError:
            return math.inf
        return value if value <= self.largest else math.inf

    def ulp(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Ulp of each finite number of this format, given as float64 (shape kept)."""
        return np.asarray(self.binade(values) * (2.0 * self.unit_roundoff))

    def binade(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """The power of two at or below each magnitude, no less than `smallest_normal`.

        The exponent field of a float64 alone, read as a float64, is that; of a subnormal one it
        is 0.
        """
        binade = (np.asarray(values, np.float64).view(np.int64) & _EXPONENT_FIELD).view(np.float64)
        return np.asarray(np.maximum(binade, self.smallest_normal, out=binade))

    def next_after(self, value: float, toward: float) -> float:
        """The neighbour of `value`, a finite number of this format, in the direction of `toward`."""
        if value == toward:
            return value
        direction = 1.0 if toward > value else -1.0
        fraction, exponent = math.frexp(abs(value))
        binade = exponent - 1 if value else self.emin
        if fraction == 0.5 and direction * value < 0:
            binade -= 1  # below a power of two the spacing is that of the binade below
        neighbour = value + direction * math.ldexp(1.0, max(binade, self.emin) - self.precision + 1)
        return neighbour if abs(neighbour) <= self.largest else math.copysign(math.inf, neighbour)


def rounded_shift(man: int, shift: int) -> int:
    """Round man / 2**shift to the nearest integer, ties to even (man >= 0)."""
    if shift <= 0:
        return man << -shift
    quotient = man >> shift
    remainder = man - (quotient << shift)
    half = 1 << (shift - 1)
    return quotient + (remainder > half or (remainder == half and quotient & 1))


FORMATS = {
    format.name: format
    for format in (
        Format("float16", 11, 15),
        Format("bfloat16", 8, 127),
        Format("float32", 24, 127),
        Format("float64", 53, 1023),
    )
}


def format_named(name: str) -> Format:
    """The format of that name; `UnknownName` with the nearest one otherwise."""
    if name not in FORMATS:
        raise unknown("dtype", name, FORMATS)
    return FORMATS[name]


def format_of(array: NDArray[Any]) -> Format:
    """The format of an array's elements; integers and booleans are worked as float64."""
    if array.dtype.kind in "iub":
        return FORMATS["float64"]
    if array.dtype.name in FORMATS:
        return FORMATS[array.dtype.name]
    raise BadData(
        f"the array holds {array.dtype}: expected one of {', '.join(FORMATS)} or integers; "
        "convert it with .astype"
    )
