"""Theorems that bound the error of each algorithm of softmax, element by element.

Every bound is in ulp of the exact result z and holds where nothing overflows. They are the
bounds of Blanchard, Higham & Higham (IMA J. Numer. Anal. 41(4), 2021), derived again with all
higher-order terms, with the errors of exp and log as parameters, and with the terms that the
printed log-sum-exp bounds lack: the rounding of a + log s, and of log s.

Notation: u unit roundoff, eta smallest subnormal, A = a - x_i with a = max x, eps and eps_log the
relative errors of exp and log, kappa the error of exp in subnormal spacings, and
W = W0((n-1)/e) <= ln n the largest possible sum_j z_j (a - x_j). (With t_j = exp(x_j - a) the
entropy-like sum z_j A_j is largest when all t_j but one are equal; its maximum is Lambert's W.)
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.formats import FORMATS, Format
from softmax_harness.ground.row_reductions import row_max, row_sum

if TYPE_CHECKING:  # it measures by mpmath, which loads where a bound is asked for
    from softmax_harness.operations.elementary import ElementaryErrors

Array = NDArray[np.float64]

# For `in_ulp`: no scaled number, and no quotient of two, is subnormal or infinite.
_SCALE = 2.0**600
_LARGEST_QUOTIENT = 2.0**1022


@dataclass(frozen=True)
class Arithmetic:
    """What a bound depends on besides the row.

    Attributes
    ----------
    unit_roundoff, smallest_subnormal, smallest_normal : float
        u, eta and the least normal number of the arithmetic.
    log_largest : float
        Natural logarithm of its largest number.
    errors : ElementaryErrors
        Of exp and log in the arithmetic.
    additions : float
        gamma / u of the sum: n - 1 for one addition after another, about 16 + log2 n for a
        pairwise or blocked one.
    """

    unit_roundoff: float
    smallest_subnormal: float
    smallest_normal: float
    log_largest: float
    errors: ElementaryErrors
    additions: float


def lambert_w(n: int) -> float:
    """W0((n - 1) / e), by Newton's iteration on w exp(w) = (n - 1) / e from ln n above it."""
    target = (n - 1) / math.e
    w = math.log(n)
    for _ in range(64):
        step = (w * math.exp(w) - target) / (math.exp(w) * (1.0 + w))
        w -= step
        if abs(step) <= 1e-14 * w:
            break
    return w


def _sum_low(n: int, setting: Arithmetic) -> float:
    """Lower bound of (computed sum) / (exact sum) of exp(x - a); not positive for no bound."""
    u, errors = setting.unit_roundoff, setting.errors
    drift = math.exp(-u * lambert_w(n))
    lost = n * errors.exp_subnormal * setting.smallest_subnormal
    return (1.0 - setting.additions * u) * (1.0 - errors.exp) * drift - lost


def shifted(a: Array, x: Array, z: Array, ulp: Array, s: Arithmetic) -> Array:
    """|y - z| / ulp for exp(x - a) / sum, whose exact sum is at least 1.

    Relative e^(uA) (1 + eps) (1 + u) / low - 1, low the bound of the sum from below; besides
    kappa eta (1 + u) / low from a subnormal exponential and eta / 2 from a subnormal quotient.
    """
    return _shifted(a, x.shape[-1], x, z, ulp, s)


def _shifted(a: Array, n: int, x: Array, z: Array, ulp: Array, s: Arithmetic) -> Array:
    low = np.full(a.shape, _sum_low(n, s))
    return _quotient(s.unit_roundoff * _distance(a, x), low, np.ones(a.shape), z, ulp, s)


def naive(a: Array, x: Array, z: Array, ulp: Array, s: Arithmetic) -> Array:
    """|y - z| / ulp for exp(x) / sum: as `shifted` without the rounding of the difference.

    A subnormal exponential errs by kappa eta over the sum, which may be far below 1 here.
    Infinite where the sum overflows, or where its largest term is not a normal number.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        lse = a + np.log(row_sum(np.exp(x - a), keepdims=True))
        total = np.exp(lse)
    u, n = s.unit_roundoff, x.shape[-1]
    safe = (a >= math.log(s.smallest_normal)) & (lse < s.log_largest)
    total = np.where(safe, total, 1.0)
    lost = n * s.errors.exp_subnormal * s.smallest_subnormal / total
    low = (1.0 - s.additions * u) * (1.0 - s.errors.exp) - lost
    return np.where(safe, _quotient(np.zeros(x.shape), low, total, z, ulp, s), np.inf)


def _distance(a: Array, x: Array) -> Array:
    with np.errstate(over="ignore"):  # infinite, as it is to exp
        return a - x


def _quotient(
    exponent: Array, low: Array, total: Array, z: Array, ulp: Array, s: Arithmetic
) -> Array:
    """The bound of e^exponent (1 + eps) (1 + u) / low; `low` and `total` have a column per row.

    In ulp from the start: half of float64's eta is no float64.
    """
    u, errors = s.unit_roundoff, s.errors
    bounded = low > 0.0
    low = np.where(bounded, low, 1.0)
    with np.errstate(over="ignore", invalid="ignore"):
        # expm1 and log keep the difference from 1 when it is far below 1.
        relative = np.expm1(exponent + math.log1p(errors.exp) + math.log1p(u) - np.log(low))
        relative *= z / ulp
        subnormal = errors.exp_subnormal * (1.0 + u) / (low * total) + 0.5
        bound = np.where(z > 0, relative, 0.0)
        bound += subnormal * in_ulp(s.smallest_subnormal, ulp)
    return bound if bounded.all() else np.where(bounded, bound, np.inf)


def _logarithm_error(n: int, s: Arithmetic) -> float:
    """Absolute error of the computed log of the sum: that of the sum, then eps_log log n."""
    low = _sum_low(n, s)
    return math.inf if low <= 0.0 else -math.log(low) + s.errors.log * math.log(n)


def log_of_sum_error(n: int, format: Format) -> float:
    """Absolute error of the computed log of a pairwise sum of n terms, its rounding included."""
    setting = native(format, pairwise_additions(n))
    return _logarithm_error(n, setting) + setting.unit_roundoff * math.log(n)


def shifted_log_sum_exp(a: Array, x: Array, z: Array, ulp: Array, s: Arithmetic) -> Array:
    """|y - z| / ulp for exp((x - a) - log s): the error E of the exponent, then e^E (1 + eps) - 1.

    E = u A + (error of log s) + u |log z|: the rounding of x - a, of log s, of their difference.
    """
    with np.errstate(divide="ignore"):
        exponent = s.unit_roundoff * (_distance(a, x) + np.abs(np.log(z)))
    return _exponential(exponent + _logarithm_error(x.shape[-1], s), z, ulp, s)


def log_sum_exp(a: Array, x: Array, z: Array, ulp: Array, s: Arithmetic) -> Array:
    """|y - z| / ulp for exp(x - lse): E = u |lse| + (error of log s) + u |log z|.

    The first term is the rounding of a + log s, which the printed theorem drops; on
    x = [1000, 1000] in float32 it alone makes the error 488 u where the print allows 4.4 u.
    """
    n = x.shape[-1]
    with np.errstate(divide="ignore"):
        exponent = s.unit_roundoff * (np.abs(a) + math.log(n) + np.abs(np.log(z)))
    return _exponential(exponent + _logarithm_error(n, s), z, ulp, s)


def _exponential(exponent: Array, z: Array, ulp: Array, s: Arithmetic) -> Array:
    with np.errstate(over="ignore", invalid="ignore"):
        relative = np.expm1(exponent + math.log1p(s.errors.exp))
        tail = (s.errors.exp_subnormal + 0.5) * in_ulp(s.smallest_subnormal, ulp)
        return np.where(z > 0, relative * (z / ulp), 0.0) + tail


def in_ulp(smallest_subnormal: float, ulp: Array) -> Array:
    """eta / ulp: the smallest subnormal of an arithmetic in ulp of the results, at least 2**-1022.

    Both are powers of two, and scaled: many processors take twenty times as long to divide where a
    number or the quotient is subnormal.
    """
    if not smallest_subnormal:
        return np.zeros(ulp.shape)
    scaled = np.minimum(ulp, smallest_subnormal * _LARGEST_QUOTIENT)
    scaled *= _SCALE
    return np.divide(smallest_subnormal * _SCALE, scaled, out=scaled)


Bound = Callable[[Array, Array, Array, Array, Arithmetic], Array]
BOUNDS: dict[str, Bound] = {
    "naive": naive,
    "shifted": shifted,
    "log-sum-exp": log_sum_exp,
    "shifted-log-sum-exp": shifted_log_sum_exp,
}


def pairwise_additions(n: int) -> float:
    """16 + ceil(log2 n): roundings on the way through a pairwise or blocked sum of n terms."""
    return 16.0 + math.ceil(math.log2(max(n, 1)))


def error_bound(x: Array, z: Array, ulp: Array, format: Format) -> Array:
    """The error bound of a well-made softmax in `format`, in ulp: `shifted` with a pairwise sum.

    Parameters
    ----------
    x : ndarray of float64, shape (rows, n)
        The inputs; masked entries are -inf.
    z, ulp : ndarray of float64, shape (rows, n)
        The exact results to the precision of float64, and their ulp.
    """
    return error_bound_in(_maximum(x), x.shape[-1], x, z, ulp, format)


def least_sum(n: int, format: Format) -> float:
    """What a computed pairwise sum of n terms exp(x - a) is at least; not positive for no bound."""
    return _sum_low(n, native(format, pairwise_additions(n)))


def error_bound_in(a: Array, n: int, x: Array, z: Array, ulp: Array, format: Format) -> Array:
    """The same of some elements of rows of n logits, of which `a`, shape (rows, 1), are largest."""
    return _shifted(a, n, x, z, ulp, native(format, pairwise_additions(n)))


def error_bound_at_least(
    distance: Array, z: Array, ulp: Array, n: int, format: Format, *operands: Array
) -> Array:
    """A limit that `error_bound` is nowhere below, and that needs no measured error of exp.

    |y - z| / ulp with (A + additions + 1) u z, and eta / 2 where that is half an ulp: in `shifted`
    with eps = kappa = W = 0, expm1(v) >= v and log1p(u) - log1p(-additions u) >= (additions + 1) u.

    Parameters
    ----------
    distance : ndarray of float64
        A, how far each input lies below the largest of its row.
    z, ulp : ndarray of float64, of the same shape
        The exact results to the precision of float64, and their ulp.
    n : int
        Length of the rows.
    operands
        Do not matter.
    """
    limit = distance + (pairwise_additions(n) + 1.0)
    limit *= format.unit_roundoff
    limit *= np.abs(z) / ulp  # in ulp: where z is subnormal the product would be rounded up
    if ulp.min(initial=np.inf) == format.smallest_subnormal:
        limit += 0.5 * (ulp == format.smallest_subnormal)
    return limit


def least_error_bound(n: int, normal: NDArray[np.bool_]) -> Array:
    """What `error_bound_at_least` is nowhere below.

    With A = 0, u z >= ulp / 2 where z is a normal number. Elsewhere it is half an ulp, and z may be
    next to nothing.
    """
    return np.where(normal, (pairwise_additions(n) + 1.0) / 2, 0.5)


def theorem(name: str | None, x: Array, z: Array, ulp: Array, format: Format) -> Array:
    """The bound of the named theorem for a sum of one addition after another, in ulp; NaN for none.

    ``wide`` is `shifted` in the next wider type and half an ulp for the last rounding.
    """
    additions = x.shape[-1] - 1.0
    if name == "wide":
        setting = wider(format, additions)
        return 0.5 + shifted(_maximum(x), x, z, ulp, setting)
    if name not in BOUNDS:
        return np.full(x.shape, np.nan)
    return BOUNDS[name](_maximum(x), x, z, ulp, native(format, additions))


def native(format: Format, additions: float) -> Arithmetic:
    """Arithmetic in the format itself."""
    from softmax_harness.operations.elementary import elementary_errors

    return Arithmetic(
        format.unit_roundoff,
        format.smallest_subnormal,
        format.smallest_normal,
        math.log(format.largest),
        elementary_errors(format),
        additions,
    )


def wider(format: Format, additions: float) -> Arithmetic:
    """Arithmetic in the next wider type: the format's `wider`, or else NumPy's long double."""
    from softmax_harness.operations.elementary import long_double_errors

    if format.wider is not None:
        return native(FORMATS[format.wider], additions)
    info = np.finfo(np.longdouble)
    # Its smallest numbers are 0 in float64, which is what they amount to here.
    return Arithmetic(float(info.eps) / 2, 0.0, 0.0, math.inf, long_double_errors(), additions)


def _maximum(x: Array) -> Array:
    return row_max(x, keepdims=True)
