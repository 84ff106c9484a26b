"""How accurate exp and log are on this machine: measured, since every bound depends on it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import mpmath
import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.formats import Format

Stored = Callable[[NDArray[Any]], NDArray[Any]]
"""Rounds values to a format, each in the type in which its numbers are worked."""

_POINTS = 4096
_BITS = 160
# Where a wider type, float64 or long double, sees an error smaller than this share of the largest,
# it is not the largest: its own exp and log err by a thousandth of that at most. The same for
# borders.
_SHARE, _BORDER = 0.99, 0.01
_BITS_OF_WIDER = 63  # of a long double that is wider than float64, by 11 bits at least


@dataclass(frozen=True)
class ElementaryErrors:
    """Largest errors seen over a fixed set of points, and at least those of a correct rounding.

    A few thousand points come near the half ulp of a correctly rounded function, and not up to it.

    Attributes
    ----------
    exp : float
        Relative error of exp where its result is normal.
    exp_subnormal : float
        Error of exp in smallest subnormals where its result is subnormal.
    log : float
        Relative error of log between 1 and 2**20.
    """

    exp: float
    exp_subnormal: float
    log: float


@cache
def elementary_errors(format: Format) -> ElementaryErrors:
    """`ElementaryErrors` of NumPy's exp and log in `format`, at 4096 points of each domain."""
    low, high = math.log(format.smallest_subnormal), math.log(format.largest)
    stored = partial(_stored, format)
    x = stored(np.linspace(low, high, _POINTS))
    x = _suspects(x, np.exp, stored, format.smallest_normal)
    normal, subnormal = _exp_errors(x, format)
    log, u = _log_error(stored, min(20, format.emax)), format.unit_roundoff
    return ElementaryErrors(max(normal, u), max(subnormal, 0.5), max(log, u))


def _stored(format: Format, values: NDArray[Any]) -> NDArray[Any]:
    """Numbers of a format in its type, or without it in the wider one, in which it is worked."""
    if format.has_type:
        return values.astype(format.dtype, copy=False)
    return format.nearest(values).astype(format.wider)


@cache
def long_double_errors() -> ElementaryErrors:
    """The same for NumPy's long double where `wide` uses it: from -700 to 0, no subnormals."""
    x = np.linspace(-700.0, 0.0, _POINTS).astype(np.longdouble)
    with mpmath.workprec(_BITS):
        exact = [mpmath.exp(value) for value in exact_values(x)]
        exp = _largest_ratio(np.exp(x), exact, exact)
    return ElementaryErrors(exp, 0.0, _log_error(lambda values: values.astype(np.longdouble), 20))


def _log_error(stored: Stored, top: int) -> float:
    x = stored(np.geomspace(1.0, 2.0**top, _POINTS))
    x = _suspects(x[x > 1], np.log, stored)
    with mpmath.workprec(_BITS):
        exact = [mpmath.log(value) for value in exact_values(x)]
        return _largest_ratio(stored(np.log(x)), exact, exact)


def _suspects(
    x: NDArray[Any], function: Callable[[Any], Any], stored: Stored, smallest: float = 0.0
) -> NDArray[Any]:
    """The points that may have the largest errors, above `smallest` and below it.

    mpmath judges them: a format's few worst points cost a hundredth of all. All points where no
    type tells which these are, as of float64 where long double is no wider.
    """
    wider = np.float64 if x.dtype.itemsize < 8 else np.longdouble
    if x.dtype.itemsize >= 8 and np.finfo(np.longdouble).nmant < _BITS_OF_WIDER:
        return x
    with np.errstate(all="ignore"):
        exact = function(x.astype(wider))
        computed = stored(function(x)).astype(wider)
        off = np.abs(computed - exact)
        kept = np.zeros(x.shape, bool)
        for errors, inside in ((off / exact, exact / smallest), (off, smallest / exact)):
            surely = np.isfinite(computed) & (inside > 1 + _BORDER)
            least = _SHARE * np.max(errors[surely], initial=0.0)
            kept |= (inside > 1 - _BORDER) & (errors >= least)
    return np.asarray(x[kept & np.isfinite(computed)])


def _exp_errors(x: NDArray[Any], format: Format) -> tuple[float, float]:
    with mpmath.workprec(_BITS), np.errstate(all="ignore"):
        y = _stored(format, np.exp(x))
        exact = [mpmath.exp(value) for value in exact_values(x)]
        smallest = mpmath.ldexp(1, format.emin)
        pairs = [
            (computed, z) for computed, z in zip(y, exact, strict=True) if np.isfinite(computed)
        ]
        normal = [(computed, z) for computed, z in pairs if z >= smallest]
        tail = [(computed, z) for computed, z in pairs if z < smallest]
        step = mpmath.ldexp(1, format.spacing_exponent)
        return (
            _largest_ratio(*_columns(normal), [z for _, z in normal]),
            _largest_ratio(*_columns(tail), [step] * len(tail)),
        )


def _columns(pairs: list[tuple[Any, Any]]) -> tuple[list[Any], list[Any]]:
    return [first for first, _ in pairs], [second for _, second in pairs]


def _largest_ratio(computed: Any, exact: list[Any], unit: list[Any]) -> float:
    errors = (
        abs(y - z) / scale for y, z, scale in zip(exact_values(computed), exact, unit, strict=True)
    )
    return float(max(errors, default=0.0))


def exact_values(values: Any) -> list[Any]:
    """Each of a sequence of floats as an mpf, exactly, long doubles in two parts."""
    array = np.asarray(values)
    high = array.astype(np.float64)
    with np.errstate(invalid="ignore"):  # inf - inf
        low = np.where(np.isfinite(high), (array - high).astype(np.float64), 0.0)
    if not low.any():  # of all but long doubles
        return [mpmath.mpf(a) for a in high.tolist()]
    return [mpmath.mpf(a) + mpmath.mpf(b) for a, b in zip(high.tolist(), low.tolist(), strict=True)]
