"""Numbers as text."""

from __future__ import annotations

import math
from collections.abc import Iterable

from softmax_harness.ground.formats import FORMATS


def digits(value: float, significant: int = 3) -> str:
    """`value` to so many digits; a dash for what is not there."""
    if math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞"
    if value and not 1e-3 <= abs(value) < 1e5:
        mantissa, exponent = f"{value:.{significant - 1}e}".split("e")
        return f"{mantissa}e{int(exponent)}"
    return f"{value:.{significant}g}" if abs(value) < 10**significant else f"{value:.0f}"


def sampled_maximum(value: float) -> str:
    """A maximum over samples: a lower bound, and marked as one."""
    return "–" if math.isnan(value) else f"≥ {digits(value)}"


def count(part: int, whole: int) -> str:
    """``12 of 3400``, or a bare 0."""
    return f"{part} of {whole}" if part else "0"


def in_order(dtypes: Iterable[str]) -> list[str]:
    """The dtypes that occur, narrow before wide."""
    present = set(dtypes)
    return [dtype for dtype in FORMATS if dtype in present] + sorted(present - set(FORMATS))
