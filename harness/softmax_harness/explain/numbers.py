"""Numbers as an explanation writes them: no two numbers of a format look the same."""

from __future__ import annotations

import math
from typing import Any

import mpmath
import numpy as np

from softmax_harness.ground.formats import Format
from softmax_harness.truth.digits import digits


def digits_of(format: Format) -> int:
    """How many decimal digits tell all numbers of a format apart: 1 + ceil(p log10 2).

    Goldberg, "What Every Computer Scientist Should Know About Floating-Point Arithmetic", theorem
    15: 5 of float16, 9 of float32, 17 of float64.
    """
    return 1 + math.ceil(format.precision * math.log10(2.0))


def exact_text(value: Any, format: Format) -> str:
    """An exact value, an mpf, to two digits more than the format has."""
    return digits(value, digits_of(format) + 2)


def number_text(value: Any) -> str:
    """A number that was computed, by the fewest digits that give it back in its own type."""
    if isinstance(value, mpmath.mpf):
        return digits(value)
    return np.format_float_positional(value, trim="0") if _is_plain(value) else f"{value!s}"


def _is_plain(value: Any) -> bool:
    magnitude = abs(float(value))
    return magnitude == 0 or 1e-5 <= magnitude < 1e16


def result_text(y: float, format: Format) -> str:
    """A result, given as float64, by the fewest digits that give it back in its format.

    Without the type of the format, they give it back as float64.
    """
    return number_text(np.float64(y).astype(format.dtype) if format.has_type else np.float64(y))


def with_error(y: float, ulp: float, format: Format) -> str:
    """A result with its error, where it has one."""
    text = result_text(y, format)
    return text if np.isnan(ulp) else f"{text} ({ulp:+.3g} ulp)"
