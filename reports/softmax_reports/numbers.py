"""Numbers as text."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable

import numpy as np
from softmax_harness.ground.formats import FORMATS

_SMALLEST_PERCENT = 1e-8  # of which percent have no more than seven digits behind the point
_LARGE = ((1e15, "quadrillion"), (1e12, "trillion"), (1e9, "billion"), (1e6, "million"))


def digits(value: float, significant: int = 3) -> str:
    """`value` to so many digits, thousands apart; a dash for what is not there."""
    if math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞"
    if value and not 1e-3 <= abs(value) < 1e5:
        mantissa, exponent = f"{value:.{significant - 1}e}".split("e")
        return f"{mantissa}e{int(exponent)}"
    return f"{value:.{significant}g}" if abs(value) < 10**significant else f"{value:,.0f}"


def whole(value: float) -> str:
    """A count, thousands apart."""
    return f"{int(value):,}"


def sampled_maximum(value: float) -> str:
    """A maximum over samples: a lower bound, and marked as one; infinity is beyond all numbers."""
    if math.isnan(value):
        return "–"
    return f"> {digits(sys.float_info.max)}" if math.isinf(value) else f"≥ {digits(value)}"


def count(part: int, whole: int, of: str = "") -> str:
    """``12 of 3,400 cells (0.35 %)``, or a bare 0."""
    return f"{part:,} of {whole:,}{of and ' ' + of} ({percent(part / whole)})" if part else "0"


def counted(number: int, one: str, many: str = "") -> str:
    """``1 cell``, ``1,200 cells``; ``many`` where an s does not make it."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def part_of_value(part: float) -> str:
    """An error over the exact value: ``0.0008 % of the value``, ``one part in 9 quadrillion``."""
    if part >= 1:
        return f"{digits(part, 2)} times the value"
    if part >= _SMALLEST_PERCENT or not part:
        shown = np.format_float_positional(100 * part, 2, fractional=False, trim="-")
        return f"{shown} % of the value"
    number = float(f"{1 / part:.1e}")
    size, name = next(((size, name) for size, name in _LARGE if number >= size), (1.0, ""))
    return f"one part in {digits(number / size, 2)}{name and ' ' + name} of the value"


def percent(part: float) -> str:
    """A part of 1 to two digits; cut, not rounded, above 99 %, so that 100 % means all."""
    if 0 < part < 1e-4:
        return "< 0.01 %"
    if part > 0.99:
        return f"{math.floor(1e4 * part) / 100:g} %"
    return f"{float(f'{100 * part:.2g}'):g} %"


def in_order(dtypes: Iterable[str]) -> list[str]:
    """The dtypes that occur, narrow before wide."""
    present = set(dtypes)
    return [dtype for dtype in FORMATS if dtype in present] + sorted(present - set(FORMATS))
