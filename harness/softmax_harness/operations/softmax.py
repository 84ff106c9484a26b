"""softmax: z_i = exp(x_i) / sum_j exp(x_j), enclosed to any precision with mpmath.

Every input is taken at its exact stored value. The maximum is subtracted exactly, so that the
precision asked for is relative precision of the result, however small it is: softmax of
[0, -1e4] is near 1e-4343 and is enclosed as tightly as 1/2 would be.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.formats import Format
from softmax_harness.ground.row_reductions import row_all, row_any
from softmax_harness.operations import bounds, long_sums, steps
from softmax_harness.operations.enclosure import Array, Enclosure
from softmax_harness.operations.operand import Operands
from softmax_harness.operations.operation import (
    OF_WEIGHTS,
    CheapLimit,
    ErrorBound,
    Operation,
    Policy,
)
from softmax_harness.operations.relative_exp import exp_relative
from softmax_harness.operations.screen import Screened, screen
from softmax_harness.operations.screen.difference import SOFTMAX
from softmax_harness.operations.steps import ExactSteps

# mpmath is imported by what uses it: it takes half as long to load as NumPy, and processes that
# only screen do without it.

GUARD = 16
_SLACK = 64
_NEGLIGIBLE = 4096
_MODERATE = 2.0**20


def enclose(
    values: NDArray[np.float64], counts: NDArray[np.int64], precision: int
) -> list[Enclosure]:
    """Enclose softmax at each distinct value of a row.

    Parameters
    ----------
    values : ndarray of float64, ascending, finite
        The distinct values; each is an exact number.
    counts : ndarray of int64
        How often each occurs.
    precision : int
        Relative width asked for, in bits.

    Notes
    -----
    If all values are equal, z = 1/m, which is exact where m is a power of two and otherwise
    never a rounding tie. If not, every z is transcendental (Lindemann-Weierstrass), so that
    raising the precision decides every rounding.

    With w = precision + 16 and t_j = exp(x_j - a), mpmath gives t_j within one unit of its last
    place, a relative error below 2**(1-w). The sum is kept as an integer multiple of
    2**-(w + bits of n); cutting each term there loses less than 2**-w in all, and the sum is at
    least 1. The quotient is cut to w + 1 or w + 2 bits. Together the relative error is below
    2**(1-w) + 2**(1-w) + 2**-w + 2**-w < 2**(3-w), at most 32 units of the quotient's last
    place, for which the slack of 64 leaves a factor of two.
    """
    if len(values) == 1:
        return [_reciprocal(int(counts.sum()), precision)]
    return from_exponentials(exponentials(values.tolist(), precision + GUARD), counts, precision)


def from_exponentials(
    terms: list[tuple[int, int]], counts: NDArray[np.int64], precision: int
) -> list[Enclosure]:
    """`enclose` from man and exp of each exponential, known as `exponentials` gives them.

    The last one, which is the largest, is 1.
    """
    work, total = precision + GUARD, int(counts.sum())
    point = work + total.bit_length()
    denominator = sum(
        count * _cut(man, exp + point)
        for (man, exp), count in zip(terms, counts.tolist(), strict=True)
    )
    size = denominator.bit_length()
    enclosures = []
    for man, exp in terms:
        lift = max(work + 1 + size - man.bit_length(), 0)
        enclosures.append(Enclosure((man << lift) // denominator, exp - lift + point, _SLACK))
    most = int(counts[-1])
    if denominator - (most << point) <= total and most & (most - 1) == 0:
        enclosures[-1] = _just_below_power_of_two(most, terms, counts, precision)
    return enclosures


def exponentials(values: list[float], work: int) -> list[tuple[int, int]]:
    """man and exp of exp(x - max x) for each of the ascending values, within 2**(1 - work) of it.

    For moderate differences by mpmath's fixed-point exponential, as its mpf_exp does with the same
    14 guard bits, but without the cost of making and normalising an mpf for each step: the
    difference is cut to ``point`` bits behind the point, reduced by ln 2, and passed on.
    """
    from mpmath import libmp
    from mpmath.libmp import libelefun

    low, high = values[0], values[-1]
    if high - low > _MODERATE or max(abs(low), abs(high)) > _MODERATE**2:
        largest = libmp.from_float(high)
        found = [exp_relative(libmp.mpf_sub(libmp.from_float(v), largest), work) for v in values]
        return [(int(man), exp) for _, man, exp, _ in found]
    extra = int(high - low).bit_length() + 3
    fixed = work + 14
    point = fixed + extra
    ln2 = libelefun.ln2_fixed(point)
    top = _fixed_point(high, point)
    terms = []
    for value in values:
        q, rest = divmod(_fixed_point(value, point) - top, ln2)
        terms.append((int(libelefun.exp_basecase(rest >> extra, fixed)), int(q) - fixed))
    return terms


def _fixed_point(value: float, point: int) -> int:
    """value * 2**point, cut to an integer."""
    fraction, exponent = math.frexp(value)
    return _cut_signed(int(math.ldexp(fraction, 53)), exponent - 53 + point)


def _cut_signed(man: int, exp: int) -> int:
    return man << exp if exp >= 0 else man >> -exp


def _just_below_power_of_two(
    most: int, terms: list[tuple[int, int]], counts: NDArray[np.int64], precision: int
) -> Enclosure:
    """Enclose z = 1 / (most + d), most a power of two, 0 < d < 2**-precision the other terms' sum.

    For [0, -1e300] no precision could resolve z from 1, but it is known to lie below. It is
    (1 - delta + ...) / most with delta = d / most, whose square is below its last place here;
    a delta beneath 2**-`_NEGLIGIBLE` is 0 in every format, and its own size no longer matters.
    """
    from mpmath import libmp

    d = libmp.fzero
    for (man, exp), count in zip(terms[:-1], counts[:-1].tolist(), strict=True):
        d = libmp.mpf_add(d, libmp.from_man_exp(count * man, exp, precision), precision)
    delta = libmp.mpf_shift(d, 1 - most.bit_length())
    point = precision - min(delta[2] + delta[3], 0)
    if point > _NEGLIGIBLE:
        return Enclosure((1 << _NEGLIGIBLE) - 1, 1 - most.bit_length() - _NEGLIGIBLE, 1)
    below = (1 << point) - _cut(delta[1], delta[2] + point)
    return Enclosure(below, 1 - most.bit_length() - point, _SLACK)


def _cut(man: int, exp: int) -> int:
    """The integer part of man * 2**exp."""
    if exp >= 0:
        return man << exp
    return man >> -exp if -exp < man.bit_length() else 0


def _reciprocal(total: int, precision: int) -> Enclosure:
    if total & (total - 1) == 0:
        return Enclosure(1, 1 - total.bit_length(), 0)
    point = precision + total.bit_length() + 2
    return Enclosure((1 << point) // total, -point, 1)


def enclose_row(
    x: NDArray[np.float64], operands: Operands, precision: int
) -> list[Enclosure | None]:
    """`enclose` for each entry of a row; None where it is masked."""
    finite = np.isfinite(x)
    values, inverse, counts = np.unique(x[finite], return_inverse=True, return_counts=True)
    distinct = enclose(values, counts, precision)
    found: list[Enclosure | None] = [None] * len(x)
    for index, place in zip(np.flatnonzero(finite).tolist(), inverse.tolist(), strict=True):
        found[index] = distinct[place]
    return found


def special_values(
    x: NDArray[np.float64], policy: Policy, operands: Operands = ()
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Where the special-value policy fixes the result, and to what.

    A row with a NaN or a +inf, or with nothing but -inf, is NaN throughout (or what `policy`
    says); -inf among finite values is 0; a finite row of one element is 1.
    """
    if x.shape[-1] > 1 and np.isfinite(x).all():
        return np.zeros(x.shape, bool), np.broadcast_to(0.0, x.shape)
    has_nan = row_any(np.isnan(x))
    has_infinity = row_any(x == np.inf) & ~has_nan
    all_masked = row_all(x == -np.inf)
    fixed = x == -np.inf
    expected = np.zeros(x.shape)
    if x.shape[-1] == 1:
        fixed, expected = np.ones(x.shape, bool), np.ones(x.shape)
    for rows, choice in (
        (has_nan, policy.nan),
        (has_infinity, policy.positive_infinity),
        (all_masked, policy.all_masked),
    ):
        fixed[rows] = True
        expected[rows] = policy.result(choice, x.shape[-1])
    return fixed, expected


def error_bound(
    x: NDArray[np.float64],
    operands: Operands,
    z: NDArray[np.float64],
    ulp: NDArray[np.float64],
    format: Format,
) -> NDArray[np.float64]:
    """`softmax_harness.operations.bounds.error_bound`."""
    return bounds.error_bound(x, z, ulp, format)


def error_bound_of_slice(top: float, n: int) -> ErrorBound:
    """`error_bound` for slices of a row of n logits, of which `top` is the largest."""

    def of_slice(x: Array, operands: Operands, z: Array, ulp: Array, format: Format) -> Array:
        return bounds.error_bound_in(np.array([[top]]), n, x, z, ulp, format)

    return of_slice


def screened(
    x: NDArray[np.float64],
    operands: Operands,
    fixed: NDArray[np.bool_],
    expected: NDArray[np.float64],
    format: Format,
) -> Screened:
    """`softmax_harness.operations.screen.screen`."""
    return screen(x, fixed, expected, format)


OPERATION = Operation(
    "softmax",
    "z_i = exp(x_i) / sum_j exp(x_j)",
    enclose_row,
    special_values,
    error_bound,
    screen=screened,
    cheap_limit=CheapLimit(bounds.least_error_bound, bounds.error_bound_at_least, is_near=True),
    theorem=bounds.theorem,
    steps=ExactSteps(steps.summed, "normalise"),
    least=0.0,
    most=1.0,
    is_distribution=True,
    degenerate=OF_WEIGHTS,
    is_softmax_of_effective_logits=True,
    enclose_elements=long_sums.enclose_values,
    error_bound_of_slice=error_bound_of_slice,
    of_difference=SOFTMAX,
)
