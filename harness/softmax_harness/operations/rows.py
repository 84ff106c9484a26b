"""What the operations share of a row: its exponentials and their sum as balls, and their errors."""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.formats import Format
from softmax_harness.ground.row_reductions import row_max, row_sum
from softmax_harness.operations import bounds, long_sums
from softmax_harness.operations.balls import (
    ONE,
    Ball,
    enclosure,
    fraction,
    logarithm_of_one_and,
    near_limit,
    product,
    quotient,
    total,
)
from softmax_harness.operations.enclosure import Array, Enclosure
from softmax_harness.operations.softmax import GUARD, exponentials

# To fewer bits than this the sum of a long row is as the kernels have it, which decides nearly all.
_AS_KNOWN = 128
FARTHEST = 800.0
"""From here on exp(-distance) is 0."""


class DistinctLogits(NamedTuple):
    """The finite entries of a row, as distinct values in ascending order.

    Attributes
    ----------
    values : list of float
    counts : list of int
        How often each occurs.
    place : ndarray of int64, shape (n,)
        Which of the values each entry is; -1 for one that is masked.
    """

    values: list[float]
    counts: list[int]
    place: NDArray[np.int64]

    @property
    def most(self) -> int:
        """How often the largest value occurs."""
        return self.counts[-1]


def distinct_logits(x: Array) -> DistinctLogits:
    """The `DistinctLogits` of one row."""
    finite = np.isfinite(x)
    values, inverse, counts = np.unique(x[finite], return_inverse=True, return_counts=True)
    place = np.full(len(x), -1)
    place[finite] = inverse
    return DistinctLogits(values.tolist(), counts.tolist(), place)


def integers(values: Array) -> tuple[NDArray[np.object_], int]:
    """Finite numbers as Python's integers in units of one power of two, and its exponent."""
    columns, exps = integers_by_column(values.reshape(-1, 1))
    return columns.reshape(values.shape), exps[0]


def integers_by_column(values: Array) -> tuple[NDArray[np.object_], list[int]]:
    """Finite numbers as Python's integers, each column in units of a power of two of its own."""
    fraction, exponent = np.frexp(values)
    exponent = np.where(values == 0, 0, exponent - 53)
    least = exponent.min(axis=0, initial=0)
    man = np.ldexp(fraction, 53).astype(np.int64).astype(object)
    return man << (exponent - least).astype(object), least.tolist()


def exact_total(values: Array) -> Ball:
    """The sum of finite numbers, exactly."""
    several, exp = integers(values)
    return Ball(sum(several.tolist()), exp)


def weights(values: list[float], bits: int) -> list[Ball]:
    """exp(v - max) of each of the ascending values, to `bits` bits; the last one is exactly 1."""
    if len(values) == 1:
        return [ONE]
    work = bits + GUARD
    terms = exponentials(values, work)[:-1]
    return [*(Ball(man, exp, (man >> (work - 1)) + 1) for man, exp in terms), ONE]


def rest(terms: list[Ball], counts: list[int], bits: int) -> Ball:
    """The sum of all terms but the largest, each as often as it occurs."""
    pairs = zip(terms[:-1], counts[:-1], strict=True)
    return total((_times(term, count) for term, count in pairs), bits)


def log_of_sum(row: DistinctLogits, bits: int) -> Ball:
    """log sum exp(x - max x)."""
    return logarithm_of_one_and(total([Ball(row.most - 1, 0), _others(row, bits)], bits), bits)


def _others(row: DistinctLogits, bits: int) -> Ball:
    """The sum of exp(x - max x) over all that lie below the largest."""
    if bits <= _AS_KNOWN and long_sums.is_long(len(row.values)):
        return long_sums.rest_of_row(np.repeat(row.values, row.counts)).others
    return rest(weights(row.values, bits), row.counts, bits)


def exact_and_small(base: Ball, small: Ball, bits: int) -> Enclosure:
    """base + small, where `base` is exact and `small` may be too small beside it to be resolved."""
    if base.man and small.magnitude < base.magnitude - bits:
        found = near_limit(fraction(base), small)
        if found is not None:
            return found
    return enclosure(total([base, small], bits))


def weighted_mean(
    numerators: list[Ball], counts: list[int], terms: list[Ball], bits: int
) -> Enclosure:
    """sum(numerator_g term_g) / sum(count_g term_g), the last term, the largest, being 1.

    Parameters
    ----------
    numerators : list of Ball
        Exact.

    Notes
    -----
    With q = numerator / count of the last group the mean is
    q + sum(c_g term_g) / (count sum(count_g term_g)), c_g = numerator_g count - numerator count_g.
    It is q exactly if each c_g is 0. Otherwise, the terms being exponentials of different algebraic
    numbers, it is transcendental (Lindemann-Weierstrass), so that rising precision decides; but
    where it lies next to a dyadic q, only the sign of the difference can be told.
    """
    top, most = numerators[-1], counts[-1]
    apart = [
        (total([_times(each, most), -_times(top, count)]), term)
        for each, count, term in zip(numerators[:-1], counts[:-1], terms[:-1], strict=True)
    ]
    difference = total((product(c, term) for c, term in apart if c.man), bits)
    if difference.is_zero:
        return rational(fraction(top) / most, bits)
    denominator = total([Ball(most, 0), rest(terms, counts, bits)], bits)
    if top.man and difference.magnitude < top.magnitude - bits:
        beyond = quotient(difference, _times(denominator, most), bits)
        found = near_limit(fraction(top) / most, beyond)
        if found is not None:
            return found
    pairs = zip(numerators, terms, strict=True)
    upper = total((product(numerator, term) for numerator, term in pairs), bits)
    return enclosure(quotient(upper, denominator, bits))


def _times(ball: Ball, count: int) -> Ball:
    return ball if count == 1 else Ball(ball.man * count, ball.exp, ball.rad * count)


def same_ratio(a: Ball, count: int, b: Ball, other: int) -> bool:
    """Whether a / count is b / other, exactly."""
    return total([Ball(a.man * other, a.exp), Ball(-b.man * count, b.exp)]).is_zero


def rational(value: Fraction, bits: int) -> Enclosure:
    """A fraction: exactly where its denominator is a power of two."""
    return ratio(Ball(value.numerator, 0), value.denominator, bits)


def ratio(upper: Ball, lower: int, bits: int) -> Enclosure:
    """An exact ball over an integer above 0: exactly where that is a dyadic fraction."""
    zeros = (lower & -lower).bit_length() - 1
    odd = lower >> zeros
    man, left = divmod(upper.man, odd)
    if not left:
        return Enclosure(man, upper.exp - zeros, 0)
    lift = max(bits + odd.bit_length() - upper.man.bit_length() + 1, 0)
    return Enclosure((upper.man << lift) // odd, upper.exp - zeros - lift, 1)


class Sums(NamedTuple):
    """Of each row, in float64: what the bounds of the logarithmic operations are made of.

    Attributes
    ----------
    distance : ndarray, shape (rows, n)
        A = a - x.
    softmax : ndarray, shape (rows, n)
    log : ndarray, shape (rows, 1)
        L = log sum exp(x - a).
    log_error : ndarray, shape (rows, 1)
        The absolute error bound of a careful computation of L.
    """

    distance: Array
    softmax: Array
    log: Array
    log_error: Array


def drift_of_log_softmax(known: Sums, format: Format) -> Array:
    """By how much exp(log_softmax) errs more than softmax, at most: shape (rows, n).

    Its exponent -A - L is rounded once more, and has the error of the logarithm. The error of the
    sum itself does to exp(-L) what it does to a quotient: the bound of softmax has it.
    """
    additions = bounds.pairwise_additions(known.distance.shape[-1])
    u, log_error = format.unit_roundoff, bounds.native(format, additions).errors.log
    with np.errstate(over="ignore", invalid="ignore"):
        exponent = u * (known.distance + known.log) + (log_error + u) * known.log
        drift = np.expm1(np.minimum(exponent, 600.0, out=exponent), out=exponent)
        drift *= 1.1 * known.softmax
        return drift


class _Latest:
    """What was found last: the bounds of an operation and of its standards ask for the same."""

    found: tuple[Array, Format, Sums] | None = None


def sums(x: Array, format: Format) -> Sums:
    """See `Sums`; those of the same array are found once, if nobody may write to it."""
    if x.flags.writeable:
        return _sums(x, format)
    latest = _Latest.found
    if latest is None or latest[0] is not x or latest[1] != format:
        latest = x, format, _sums(x, format)
        for each in latest[2]:
            each.flags.writeable = False
        _Latest.found = latest
    return latest[2]


def _sums(x: Array, format: Format) -> Sums:
    """The arithmetic of `Sums`.

    The sum of all but one of the largest is D = sum of t_j, t_j = exp(-A_j). Its terms err by u A_j
    and eps of themselves and by kappa eta, its additions by gamma; log(1 + D) by that over 1 + D
    and by eps_log of itself.
    """
    setting = bounds.native(format, bounds.pairwise_additions(x.shape[-1]))
    u, errors = setting.unit_roundoff, setting.errors
    with np.errstate(invalid="ignore", over="ignore"):
        distance = row_max(x, keepdims=True) - x
        terms = np.exp(-distance)
        weighted = times_distance(terms, distance)
        top = np.argmax(terms, axis=-1, keepdims=True)
        largest = np.take_along_axis(terms, top, axis=-1)
        np.put_along_axis(terms, top, 0.0, axis=-1)
        others = row_sum(terms, keepdims=True)
        np.put_along_axis(terms, top, largest, axis=-1)
        relative = (setting.additions + 1.0) * u + errors.exp
        lost = x.shape[-1] * errors.exp_subnormal * setting.smallest_subnormal
        error = u * row_sum(weighted, keepdims=True) + relative * others + lost
        log = np.log1p(others)
        return Sums(
            distance,
            terms / (1.0 + others),
            log,
            1.1 * error / (1.0 + others) + errors.log * log,
        )


def times_distance(terms: Array, distance: Array) -> Array:
    """Each of the exponentials, or multiples of them, times its distance: 0 where it is 0."""
    near = np.minimum(distance, FARTHEST)  # infinity times 0 is no number
    near *= terms
    return near


def half_ulps(x: Array, format: Format) -> Array:
    """Half an ulp of each logit, 0 where it is not finite."""
    finite = np.isfinite(x)
    return np.asarray(0.5 * finite * format.ulp(np.where(finite, x, 0.0)))


def sum_without(values: Array, places: NDArray[np.int64]) -> Array:
    """The sum of each row without one entry, shape (rows, 1); `places` has the same shape."""
    others = values.copy()
    np.put_along_axis(others, places, 0.0, axis=-1)
    return row_sum(others, keepdims=True)


def sum_of_others(values: Array) -> Array:
    """Of each entry, the sum of the others of its row; none is negative.

    The largest is left out of its own sum, and not taken off, so that nothing cancels.
    """
    top = np.argmax(values, axis=-1, keepdims=True)
    largest = np.take_along_axis(values, top, axis=-1)
    small = values.copy()
    np.put_along_axis(small, top, 0.0, axis=-1)
    others = row_sum(small, keepdims=True)
    result = np.maximum(others - small, 0.0) + largest
    np.put_along_axis(result, top, others, axis=-1)
    return np.asarray(result)
