"""Binary floating-point formats: range, spacing, and rounding of an exact value, once.

An exact value is ``man * 2**exp`` with Python integers, the form in which mpmath keeps its
numbers, so no value passes through a second format on its way to the one that is judged
(mpmath#1078 and ml_dtypes#401 are what happens otherwise).
"""

from __future__ import annotations

import importlib
import importlib.util
import math
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.errors import BadData, unknown

_EXPONENT_FIELD = np.int64(0x7FF << 52)


@dataclass(frozen=True)
class Format:
    """A binary floating-point format with subnormals: all that is known of it stands here.

    IEEE 754 formats have infinities in a binade of their own, emin = 1 - emax, and nothing
    reserved; narrower ones may differ in each (Micikevicius et al., "FP8 Formats for Deep
    Learning", arXiv:2209.05433).

    Attributes
    ----------
    name : str
        The name of the type, NumPy's or that of `package`.
    precision : int
        Bits of the significand, the implicit one included (p).
    emin, emax : int
        Exponents of the smallest normal number, 2**emin, and of the largest binade: values are
        below 2**(emax + 1).
    wider : str or None
        The format in which a careful kernel works that rounds once at the end; None where only
        NumPy's long double is wider, whose format is the platform's.
    has_infinity : bool
        Whether there are infinities, which rounding to nearest gives beyond the largest number;
        without them it gives NaN.
    reserved : int
        How many of the largest significands of the largest binade stand for no number.
    package : str
        The package that brings the type.
    loaded_as : str or None
        The type, as ``dtype.str``, that numpy.save writes where numpy.load does not give back the
        type itself; None where it does. Formats may share it.
    aliases : tuple of str
        Other names that people type, of C, of torch or short ones; none is a name of two formats.
    saturates : bool
        Whether what is beyond the largest number becomes that number: no format does so by itself,
        conversions to it may.
    """

    name: str
    precision: int
    emin: int
    emax: int
    wider: str | None = None
    has_infinity: bool = True
    reserved: int = 0
    package: str = "numpy"
    loaded_as: str | None = None
    aliases: tuple[str, ...] = ()
    saturates: bool = False

    @property
    def saturating(self) -> Format:
        """The same numbers, to which a conversion rounds that saturates."""
        return replace(self, saturates=True)

    @property
    def is_default(self) -> bool:
        """Whether it is measured where no format is asked for: NumPy's own are."""
        return self.package == "numpy"

    @property
    def is_narrow(self) -> bool:
        """Whether it has 16 bits or fewer, so that kernels work in a wider type."""
        return self.precision <= 11

    @property
    def spacing_exponent(self) -> int:
        """Exponent of the smallest subnormal, the least ulp."""
        return self.emin - self.precision + 1

    @property
    def largest_spacing_exponent(self) -> int:
        """Exponent of the ulp of the largest number."""
        return self.emax - self.precision + 1

    @property
    def unit_roundoff(self) -> float:
        """u = 2**-p, half the distance from 1 to the next larger number."""
        return math.ldexp(1.0, -self.precision)

    @property
    def largest_significand(self) -> int:
        """The largest number in units of its ulp."""
        return (1 << self.precision) - 1 - self.reserved

    @property
    def largest(self) -> float:
        """Largest finite number."""
        return math.ldexp(self.largest_significand, self.largest_spacing_exponent)

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
        """The largest number and half its ulp: beyond, rounding to nearest gives `overflow_value`.

        The threshold itself, a tie, overflows too where the largest significand is odd: always if
        nothing is reserved, as in IEEE 754, where it is (2 - 2**-p) 2**emax.
        """
        largest = self.largest_significand + Fraction(1, 2)
        return largest * Fraction(2) ** self.largest_spacing_exponent

    @property
    def overflow_bound(self) -> float:
        """`overflow_threshold` as a float64, infinite where it is beyond these."""
        return self.largest + math.ldexp(0.5, self.largest_spacing_exponent)

    @property
    def overflow_value(self) -> float:
        """What stands for a magnitude beyond `overflow_threshold`.

        Infinity, NaN in a format that has none, or the largest number where conversions saturate.
        """
        if self.saturates:
            return self.largest
        return math.inf if self.has_infinity else math.nan

    @property
    def dtype(self) -> np.dtype[Any]:
        """The NumPy type.

        Raises
        ------
        BadData
            If the package that brings it is not installed.
        """
        if self.package == "numpy":
            return np.dtype(self.name)
        try:
            package = importlib.import_module(self.package)
        except ImportError:
            raise BadData(
                f"{self.name} arrays need the package {self.package}: "
                "pip install 'softmax-harness[narrow]'"
            ) from None
        dtype: np.dtype[Any] = np.dtype(getattr(package, self.name))
        return dtype

    @property
    def has_type(self) -> bool:
        """Whether the package that brings `dtype` is installed."""
        return self.package == "numpy" or importlib.util.find_spec(self.package) is not None

    def stored(self, values: NDArray[Any]) -> NDArray[Any]:
        """The numbers nearest to the values, shape kept, as an array of `dtype`.

        A format without infinities holds its largest numbers in their place, as those do who mask
        in it, and in place of what is beyond them.
        """
        if not self.has_infinity:
            values = np.clip(values, -self.largest, self.largest)
        with np.errstate(over="ignore", invalid="ignore"):
            return np.asarray(values).astype(self.dtype)

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
            Exact in float64; beyond `overflow_threshold` the `overflow_value`.
        """
        if man == 0:
            return 0.0
        ulp_exponent = self.ulp_exponent(man, exp)
        multiple = rounded_shift(man, ulp_exponent - exp)
        try:
            value = math.ldexp(multiple, ulp_exponent)
        except OverflowError:
            return self.overflow_value
        return value if value <= self.largest else self.overflow_value

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

    def nearest(self, values: Any) -> NDArray[np.float64]:
        """The numbers of this format nearest to the values, ties to even, as float64.

        Beyond `overflow_threshold` they are the `overflow_value`. Unlike a conversion to `dtype` it
        needs no package.
        """
        values = np.asarray(values, np.float64)
        ulp = self.ulp(values.reshape(-1)).reshape(values.shape)
        with np.errstate(all="ignore"):
            rounded = np.rint(values / ulp) * ulp
        is_held = np.abs(rounded) <= self.largest
        rounded = np.where(is_held, rounded, np.copysign(self.overflow_value, values))
        return np.asarray(np.where(np.isnan(values), values, rounded))

    def next_after(self, value: float, toward: float) -> float:
        """The neighbour of `value`, a finite number of this format, in the direction of `toward`.

        Beyond the largest number that is the `overflow_value`.
        """
        if value == toward:
            return value
        direction = 1.0 if toward > value else -1.0
        fraction, exponent = math.frexp(abs(value))
        binade = exponent - 1 if value else self.emin
        if fraction == 0.5 and direction * value < 0:
            binade -= 1  # below a power of two the spacing is that of the binade below
        neighbour = value + direction * math.ldexp(1.0, max(binade, self.emin) - self.precision + 1)
        if abs(neighbour) <= self.largest:
            return neighbour
        return math.copysign(self.overflow_value, neighbour)


def rounded_shift(man: int, shift: int) -> int:
    """Round man / 2**shift to the nearest integer, ties to even (man >= 0)."""
    if shift <= 0:
        return man << -shift
    quotient = man >> shift
    remainder = man - (quotient << shift)
    half = 1 << (shift - 1)
    return quotient + (remainder > half or (remainder == half and quotient & 1))


def _float8(name: str, precision: int, emin: int, emax: int, **own: Any) -> Format:
    """A format of one byte: of ml_dtypes, worked in float32, and saved as one raw byte."""
    short = name.removeprefix("float8_")
    byte = {
        "wider": "float32",
        "package": "ml_dtypes",
        "loaded_as": "|V1",
        "aliases": (short, f"fp8_{short}"),
    }
    return Format(name, precision, emin, emax, **(byte | own))


# Narrow before wide, the order in which formats are told of everywhere. Of one byte are those of
# Micikevicius et al. (2022), and those of Noune et al., "8-bit Numerical Formats for Deep Neural
# Networks", arXiv:2206.02915, whose one NaN stands where -0 would.
FORMATS = {
    format.name: format
    for format in (
        _float8("float8_e4m3fn", 4, -6, 8, has_infinity=False, reserved=1),
        _float8("float8_e4m3fnuz", 4, -7, 7, has_infinity=False),
        _float8("float8_e5m2", 3, -14, 15, loaded_as="<f1"),
        _float8("float8_e5m2fnuz", 3, -15, 15, has_infinity=False),
        Format("float16", 11, -14, 15, wider="float32", aliases=("fp16", "f16", "half")),
        Format(
            "bfloat16",
            8,
            -126,
            127,
            wider="float32",
            package="ml_dtypes",
            loaded_as="|V2",
            aliases=("bf16",),
        ),
        Format("float32", 24, -126, 127, wider="float64", aliases=("fp32", "f32", "single")),
        Format("float64", 53, -1022, 1023, aliases=("fp64", "f64", "double")),
    )
}
DEFAULT_DTYPES = tuple(name for name, format in FORMATS.items() if format.is_default)
OTHER_DTYPES = tuple(name for name, format in FORMATS.items() if not format.is_default)


ALIASES = {alias: name for name, format in FORMATS.items() for alias in format.aliases}


def dtype_name(name: str) -> str:
    """The name of the format of which `name` is an alias; any other text as it is."""
    return ALIASES.get(name, name)


def format_named(name: str) -> Format:
    """The format of that name or alias; `UnknownName` with the nearest one otherwise."""
    own = dtype_name(name)
    if own not in FORMATS:
        raise unknown("dtype", name, FORMATS)
    return FORMATS[own]


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
