"""Numbers as an explanation writes them."""

from __future__ import annotations

from typing import Any

import mpmath
import numpy as np

from softmax_harness.truth.digits import digits

_DIGITS = 9


def number_text(value: Any) -> str:
    """An exact value, an mpf, or one that was computed."""
    if isinstance(value, mpmath.mpf):
        return digits(value, _DIGITS)
    return f"{value:.{_DIGITS}g}"


def with_error(y: float, ulp: float) -> str:
    """A result with its error, where it has one."""
    return number_text(y) if np.isnan(ulp) else f"{number_text(y)} ({ulp:+.3g} ulp)"
