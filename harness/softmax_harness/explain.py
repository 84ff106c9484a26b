"""The three steps of one row, in digits, and each implementation beside the exact values."""

from __future__ import annotations

import mpmath
import numpy as np
from mpmath import libmp
from numpy.typing import NDArray
from softmax_implementations import implementations

from softmax_harness.errors import BadData
from softmax_harness.formats import Format
from softmax_harness.metrics import ulp_error
from softmax_harness.operations import OPERATIONS
from softmax_harness.operations.softmax import exp_relative
from softmax_harness.truth import judge

_DIGITS_PRECISION = 64


def parsed_row(words: tuple[str, ...]) -> NDArray[np.float64]:
    """The numbers written in `words`: decimal or hexadecimal, inf and nan included."""
    numbers = []
    for word in words:
        try:
            numbers.append(float.fromhex(word) if "0x" in word.lower() else float(word))
        except (ValueError, OverflowError):
            raise BadData(
                f"{word!r} is not a number: expected numbers such as 2.0 -1e4 0x1.8p+1 -inf"
            ) from None
    return np.array(numbers)


def explain_row(row: NDArray[np.float64], format: Format) -> str:
    """Exponentials, sum and quotients exactly, then what each implementation computes, with its ulp.

    The numbers are first rounded to the format: what is explained is the row as stored.
    """
    with np.errstate(over="ignore"):
        stored = row.astype(format.dtype)
    x = stored.astype(np.float64)
    exponentials = [
        mpmath.mp.make_mpf(exp_relative(libmp.from_float(value), _DIGITS_PRECISION))
        for value in x.tolist()
    ]
    total = mpmath.fsum(exponentials)
    truth = judge(OPERATIONS["softmax"], x[None], format)
    lines = [
        f"stored in {format.name}: " + "  ".join(repr(value) for value in x.tolist()),
        "1. exponentiate: " + "  ".join(mpmath.nstr(value, 8) for value in exponentials),
        "2. sum:          " + mpmath.nstr(total, 8),
        "3. normalise:    " + "  ".join(mpmath.nstr(value / total, 8) for value in exponentials),
    ]
    for each in implementations().values():
        if format.name in each.dtypes:
            y = np.asarray(each(stored[None])).astype(np.float64)
            cells = zip(y[0].tolist(), ulp_error(y, truth)[0].tolist(), strict=True)
            lines.append(
                f"{each.name:20} " + "  ".join(f"{v:.8g} ({e:+.3g} ulp)" for v, e in cells)
            )
    return "\n".join(lines)
