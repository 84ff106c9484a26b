"""Rows of two logits: every result depends on their difference d > 0 alone, which is told exactly.

A result is z = base + rest, `base` an exact number of float64 and `rest` one with a proved relative
error. So y - z is (y - base) - rest, and nothing cancels that is not known exactly. In float64 this
costs ten nanoseconds a row, where rows of any length cost a hundred times as much.

With u = 2**-53 and to first order, which a hundredth more than pays for:

exp(-d) = T_k e^r, k = RN(128 d), r = k/128 - d, |r| <= 2**-8, T_k = RN(exp(-k/128)).
    k/128 and the difference are exact: below d = 2**-8 k is 0, above it r is a multiple of the unit
    of d that is smaller than d. e^r - 1 by Taylor to r^6 errs by |r|**7/5040 < 2**-68 and by less
    than 4 u |r| of rounding. T_k errs by u, the last addition by u: together `_EXP` = 2.1 u.
s = e/(1 + e), e = exp(-d): the sum and the quotient add u each, e is not felt more than once:
    `_SHARE` = 4.2 u.
log(1 + e) = L_j + log1p(t), j = RN(128 e), t = (e - j/128)/(1 + j/128), |t| <= 2**-8. Numerator and
    denominator are exact, t errs by u. log1p(t) by its series to t^8 leaves t^9/9, 2**-67 of t. For
    j = 0 it is the series alone, whose relative error is below 2 u. Otherwise L_j >= 2**-7.01 errs
    by u of itself, the series by 3 u |t| <= 3 u 2**-8, so 1.6 u of L_j, and the addition by u. e
    errs by 2.1 u, of which log1p feels no more than all: `_LOG` = 6 u.

Differences beyond `far` give e < 2**-40 of the smallest subnormal. They are taken for `far`; what
that changes is below `FAR_ULP`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.formats import Format

Array = NDArray[np.float64]

_U = 2.0**-53
_EXP, _SHARE, _LOG = 2.1 * _U, 4.2 * _U, 6.0 * _U
_STEPS = 128  # of the tables in 1
_FAR_BITS = 40
FAR_ULP = 2.0**-_FAR_BITS
_FIXED = 512  # bits behind the point of the integers that the tables are made from
_BELOW_HALF = math.nextafter(0.5, 0.0)
# Mantissas of float64 that are as near to a power of two as this are not known to be on one side.
_EDGE = np.int64(64)
_MANTISSA = np.int64((1 << 52) - 1)
_TAYLOR = tuple(1.0 / math.factorial(k) for k in range(6, 0, -1))
_SERIES = tuple((-1.0) ** (k + 1) / k for k in range(8, 0, -1))


@dataclass(frozen=True)
class Side:
    """The results at one of the two logits, for many rows.

    Attributes
    ----------
    base : float or ndarray of float64
        Exact.
    rest : ndarray of float64
        z - base.
    per_ulp : float or ndarray of float64
        1/ulp(z).
    open : ndarray of bool or None
        Where the binade of z, and so its ulp, is not decided; None where all are.
    """

    base: float | Array
    rest: Array
    per_ulp: float | Array
    open: NDArray[np.bool_] | None = None

    @property
    def z(self) -> Array:
        """The results to the precision of a float64."""
        return np.asarray(self.base + self.rest)


class OfDifference(NamedTuple):
    """How an operation tells the results of two logits from their difference.

    Attributes
    ----------
    sides : callable
        ``sides(distance, format)`` gives the `Side` of the larger and of the smaller logit, for
        distances above 0.
    rounded : callable
        ``rounded(distance)`` gives the nearest numbers of both, of distances beyond `far`, as far
        as these are numbers of the format.
    error : float
        Relative error of each `Side.rest`.
    of_any_pair : bool
        Whether the difference may be a number that the format lacks. A logarithm then lies, by less
        than can be told here, beside the middle between two numbers far too often.
    """

    sides: Callable[[Array, Format], tuple[Side, Side]]
    rounded: Callable[[Array], tuple[float | Array, float | Array]]
    error: float
    of_any_pair: bool

    def error_ulp(self, format: Format, is_exact: bool) -> float:
        """What ((y - base) - rest) / ulp(z) may err by, besides its own relative rounding.

        |z| < 2**p ulp(z). A difference that was rounded to float64 moves e by u d of itself.
        """
        moved = self.error + (0.0 if is_exact else _U * far(format))
        return moved * 2.0**format.precision + FAR_ULP


def far(format: Format) -> float:
    """The difference beyond which exp(-d) is below 2**-40 of the smallest subnormal."""
    return (_FAR_BITS - format.spacing_exponent) * math.log(2.0)


def softmax_sides(distance: Array, format: Format) -> tuple[Side, Side]:
    """1 - s and s = 1/(1 + exp(d)), which are in (1/2, 1) and (0, 1/2)."""
    e = exponential(np.minimum(distance, far(format)))
    s = e / (1.0 + e)
    below = np.minimum(s, _BELOW_HALF)  # what rounds to 1/2 is less all the same
    open_ = _near_power_of_two(below, format) & (below < 0.499)
    smaller = Side(0.0, s, 1.0 / format.ulp(below), open_ if open_.any() else None)
    return Side(1.0, -s, 2.0**format.precision), smaller


def softmax_rounded(distance: Array) -> tuple[float | Array, float | Array]:
    """1 and 0."""
    return 1.0, 0.0


def log_softmax_sides(distance: Array, format: Format) -> tuple[Side, Side]:
    """-log(1 + exp(-d)), and the same less d."""
    log = _log_of_one_and(exponential(np.minimum(distance, far(format))))
    return _negative(0.0, log, log, format), _negative(-distance, log, distance + log, format)


def log_softmax_rounded(distance: Array) -> tuple[float | Array, float | Array]:
    """0 and -d."""
    return 0.0, -distance


def _negative(base: float | Array, log: Array, size: Array, format: Format) -> Side:
    open_ = _near_power_of_two(size, format)
    return Side(base, -log, 1.0 / format.ulp(size), open_ if open_.any() else None)


def _near_power_of_two(values: Array, format: Format) -> NDArray[np.bool_]:
    """Where a value may lie in another binade than it seems; subnormal numbers are of one."""
    mantissa = (values.view(np.int64) + _EDGE) & _MANTISSA
    return np.asarray((mantissa < 2 * _EDGE) & (values >= 0.5 * format.smallest_normal))


def exponential(distance: Array) -> Array:
    """exp(-d) for 0 <= d <= 200, within `_EXP` of itself."""
    step = np.rint(distance * float(_STEPS))
    r = step * (1.0 / _STEPS)
    r -= distance
    series = np.full(r.shape, _TAYLOR[0])
    for coefficient in _TAYLOR[1:]:
        series *= r
        series += coefficient
    series *= r
    table = _exponentials().take(step.astype(np.int32))
    series *= table
    series += table
    return series


def _log_of_one_and(e: Array) -> Array:
    """log(1 + e) for 0 < e <= 1, within `_LOG` of itself."""
    step = np.rint(e * float(_STEPS))
    point = step * (1.0 / _STEPS)
    t = e - point
    t /= 1.0 + point
    series = np.full(t.shape, _SERIES[0])
    for coefficient in _SERIES[1:]:
        series *= t
        series += coefficient
    series *= t
    series += _logarithms().take(step.astype(np.int32))
    return series


@cache
def _exponentials() -> Array:
    """RN(exp(-k/128)) for k/128 up to 200, from powers of exp(-1/128) behind a fixed point.

    Each product is cut by less than 2**-512, all together by less than 2**-497, and the last is
    above 2**-289: a relative 2**-208.
    """
    from mpmath import mp, mpf, workprec

    with workprec(_FIXED + 32):
        root = int(mp.exp(mpf(-1) / _STEPS) * mpf(2) ** _FIXED)
    power, found = 1 << _FIXED, []
    for _ in range(200 * _STEPS + 1):
        found.append(power / (1 << _FIXED))  # Python rounds a quotient of integers once
        power = (power * root) >> _FIXED
    return np.array(found)


@cache
def _logarithms() -> Array:
    """RN(log(1 + j/128)) for j up to 128."""
    from mpmath import mp, mpf, workprec

    with workprec(128):
        return np.array([float(mp.log(1 + mpf(j) / _STEPS)) for j in range(_STEPS + 1)])


SOFTMAX = OfDifference(softmax_sides, softmax_rounded, _SHARE, of_any_pair=True)
LOG_SOFTMAX = OfDifference(log_softmax_sides, log_softmax_rounded, _LOG, of_any_pair=False)
