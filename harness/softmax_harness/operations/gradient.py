"""gradient: z_i = s_i (v_i - sum_j s_j v_j), s = softmax(x): its Jacobian times a vector v.

The Jacobian s_i (delta_ij - s_j) is symmetric, so that this is both the forward derivative and what
backpropagation asks for. Laws: each row sums to 0; a constant added to v changes nothing, and a
constant v gives 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.formats import Format, format_of
from softmax_harness.ground.row_reductions import row_max, row_min, row_sum
from softmax_harness.operations import bounds, flushing, not_finite, rows, screen, softmax, steps
from softmax_harness.operations.balls import (
    ZERO,
    Ball,
    enclosure,
    exact,
    fraction,
    near_limit,
    product,
    quotient,
    total,
)
from softmax_harness.operations.enclosure import Array, Enclosure
from softmax_harness.operations.operand import (
    Operand,
    Operands,
    by_kind,
    of_some_calls,
    powers_of_two,
    some_beyond,
    some_of_two_classes,
    with_nans,
)
from softmax_harness.operations.operation import OF_WEIGHTS, CheapLimit, Operation, Policy
from softmax_harness.operations.screen import Screened
from softmax_harness.operations.steps import ExactStep, ExactSteps

# Bits that a difference may lose: the arbiter begins with 64 more than the format has, of which the
# remainder of a result needs 53.
_CANCELLED = 10
_MORE_BITS = 64
_MOST_SQUARED = 256  # distinct logits whose products are taken one by one


def vectors(stored: NDArray[Any], rng: np.random.Generator) -> Operands:
    """v in the format of the logits: normal, normal about 100, a Jacobian's column, a constant.

    And scaled, as of a loss that is scaled against underflow. Some are 1 at one class and -1 at
    another, as a preference passes back. A few hold a NaN, and in formats of small range numbers
    whose differences exceed it. In some calls all are 1, as a sum passes back.
    """
    rows, n = stored.shape
    made = rng.standard_normal((rows, n))
    column = np.arange(n) == rng.integers(0, max(n, 1), (rows, 1))
    format = format_of(stored)
    # Sums of exponentials times v, too, are honest: in the format itself these must not exceed it.
    room = 4 + (0 if format.is_narrow else n.bit_length())
    scale = powers_of_two(format, (rows, 1), rng, room)
    kind = rng.choice(6, (rows, 1), p=(0.25, 0.25, 0.2, 0.1, 0.1, 0.1))
    kinds = (
        lambda some: made[some],
        lambda some: made[some] + 100.0,
        lambda some: column[some],
        lambda some: made[some, :1],
        lambda some: made[some] * scale[some],
        lambda some: made[some] * scale[some] * column[some],
    )
    v = some_beyond(by_kind(kind[:, 0], kinds, n), stored, format, rng)
    v = with_nans(some_of_two_classes(v, rng), stored, rng)
    v = of_some_calls(v, np.ones_like(v), rng)
    return (format.stored(v),)


def enclose(x: Array, operands: Operands, precision: int) -> list[Enclosure | None]:
    """t_i (v_i S - M) / S**2 with t = exp(x - a), S = sum t_j, M = sum t_j v_j."""
    row = rows.distinct_logits(x)
    if len(row.values) == 1:
        return _of_equal_logits(row, operands[0].astype(np.float64), precision)
    v = [exact(float(each)) for each in operands[0].astype(np.float64)]
    grouped: list[list[Ball]] = [[] for _ in row.values]
    for place, own in zip(row.place.tolist(), v, strict=True):
        if place >= 0:
            grouped[place].append(own)
    by_logit = [total(each) for each in grouped]
    sums = _Sums.of(row, by_logit, precision)
    finer = _Finer(row, by_logit, precision + _MORE_BITS)
    apart = {own: sums.apart(own, finer, precision) for own in dict.fromkeys(v)}  # a column has two
    entries = list(zip(row.place.tolist(), v, strict=True))
    once = {
        (place, own): sums.enclosed(place, own, apart[own], precision)
        for place, own in set(entries)
        if place >= 0
    }
    return [once.get(each) for each in entries]


def _of_equal_logits(row: rows.DistinctLogits, v: Array, precision: int) -> list[Enclosure | None]:
    """(m v_i - V) / m**2 of the m entries that are not left out."""
    found: list[Enclosure | None] = [None] * len(v)
    places = np.flatnonzero(row.place >= 0)
    integers, exp = rows.integers(v[places])
    apart = (integers * row.most - integers.sum()).tolist()
    # A column of a Jacobian has two.
    once = {each: rows.ratio(Ball(each, exp), row.most**2, precision) for each in set(apart)}
    for place, each in zip(places.tolist(), apart, strict=True):
        found[place] = once[each]
    return found


@dataclass(frozen=True)
class _Sums:
    """What all entries of a row share; g counts the distinct logits.

    Attributes
    ----------
    values : list of float
        The logits, ascending.
    counts : list of int
        m_g.
    v : list of Ball
        V_g, the sum of the entries of v at the logits g, exactly.
    terms : list of Ball
        t_g; the last one is 1.
    rest, whole, moment, square : Ball
        R, the sum of all terms but the largest; S, M and S**2.
    """

    values: list[float]
    counts: list[int]
    v: list[Ball]
    terms: list[Ball]
    rest: Ball
    whole: Ball
    moment: Ball
    square: Ball

    @classmethod
    def of(cls, row: rows.DistinctLogits, v: list[Ball], bits: int) -> _Sums:
        terms = rows.weights(row.values, bits)
        rest = rows.rest(terms, row.counts, bits)
        whole = total([Ball(row.most, 0), rest], bits)
        moment = total((product(a, b) for a, b in zip(v, terms, strict=True)), bits)
        return cls(
            row.values, row.counts, v, terms, rest, whole, moment, product(whole, whole, bits)
        )

    def apart(self, own: Ball, finer: _Finer, bits: int) -> Ball:
        """v_i S - M of an entry whose v is `own`.

        It is the sum of c_g t_g with exact coefficients c_g = m_g v_i - V_g, and 0 only if all of
        them are. Term by term nothing cancels but what does so exactly. That takes as long as a
        row, for each entry: sums of more bits are tried before.
        """
        most = max(own.magnitude, self.moment.magnitude) - _CANCELLED
        found = self._difference(own, bits)
        if found.magnitude >= most:
            return found
        found = finer.sums._difference(own, finer.bits)
        if found.magnitude >= most - (finer.bits - bits):
            return found
        return self._combined(self._coefficients(own), bits)

    def _difference(self, own: Ball, bits: int) -> Ball:
        return total([product(own, self.whole), -self.moment], bits)

    def enclosed(self, place: int, own: Ball, apart: Ball, bits: int) -> Enclosure:
        """The result of an entry whose logit is the one at `place` and whose v is `own`."""
        if apart.is_zero:
            return Enclosure(0, 0, 0)
        if place == len(self.terms) - 1:
            found = self._near_limit(own, bits)
            if found is not None:
                return found
        return enclosure(quotient(product(self.terms[place], apart, bits), self.square, bits))

    def _coefficients(self, own: Ball) -> list[Ball]:
        pairs = zip(self.counts, self.v, strict=True)
        return [total([product(own, Ball(m, 0)), -v]) for m, v in pairs]

    def _combined(self, coefficients: list[Ball], bits: int) -> Ball:
        pairs = zip(coefficients, self.terms, strict=True)
        return total((product(c, t) for c, t in pairs if c.man), bits)

    def _near_limit(self, own: Ball, bits: int) -> Enclosure | None:
        """Of an entry of the largest logit, m of them: z - c / m**2, c its own coefficient.

        z is (c + N) / S**2 with S = m + R, so that the difference is (m**2 N - 2 c m R - c R**2) /
        (m**2 S**2). Of m N - 2 c R, which may cancel, each term is taken by itself; where the rest
        cancels with R**2, as where logits lie equally far apart, so is that.
        """
        most = self.counts[-1]
        rest = self.rest
        if rest.magnitude > -bits:
            return None
        own_coefficient = total([product(own, Ball(most, 0)), -self.v[-1]])
        if not own_coefficient.man:
            return None
        limit = fraction(own_coefficient) / most**2
        coefficients = [
            total([product(c, Ball(most, 0)), -product(own_coefficient, Ball(2 * m, 0))])
            for c, m in zip(self._coefficients(own)[:-1], self.counts[:-1], strict=True)
        ]
        first = product(self._combined([*coefficients, ZERO], bits), Ball(most, 0))
        second = product(own_coefficient, product(rest, rest, bits), bits)
        difference = total([first, -second], bits)
        if difference.sign is None and len(self.terms) <= _MOST_SQUARED:
            difference = self._by_distances(own_coefficient, coefficients, bits)
        divisor = product(self.square, Ball(most**2, 0))
        return near_limit(limit, quotient(difference, divisor, bits))

    def _by_distances(self, own_coefficient: Ball, coefficients: list[Ball], bits: int) -> Ball:
        """m (m N - 2 c R) - c R**2 with exact coefficients of each exp(-distance).

        t_g t_h is that of the sum of two distances. Those of different distances are independent
        (Lindemann-Weierstrass), and that of the largest one squared stands alone: it is never 0.
        """
        several, _ = rows.integers(np.array(self.values))
        distances = (several[-1] - several).tolist()
        found: dict[int, tuple[Ball, Ball]] = {}

        def add(distance: int, coefficient: Ball, term: Ball) -> None:
            known, _ = found.get(distance, (ZERO, term))
            found[distance] = total([known, coefficient]), term

        *counted, (_, most, _) = zip(distances, self.counts, self.terms, strict=True)
        for coefficient, (distance, _, term) in zip(coefficients, counted, strict=True):
            add(distance, product(coefficient, Ball(most, 0)), term)
        for distance, count, term in counted:
            for other, times, own in counted:
                both = product(own_coefficient, Ball(count * times, 0))
                add(distance + other, -both, product(term, own, bits))
        return total((product(each, term) for each, term in found.values() if each.man), bits)


@dataclass(frozen=True)
class _Finer:
    """The sums of a row to more bits, made when they are asked for."""

    row: rows.DistinctLogits
    v: list[Ball]
    bits: int

    @cached_property
    def sums(self) -> _Sums:
        """To `bits` bits."""
        return _Sums.of(self.row, self.v, self.bits)


def special_values(x: Array, policy: Policy, operands: Operands) -> tuple[NDArray[np.bool_], Array]:
    """0 for what is masked and for a row of one; NaN where softmax has it, or v at what is seen."""
    fixed, expected = softmax.special_values(x, policy)
    v = operands[0].astype(np.float64, copy=False)
    if not fixed.any():
        return not_finite.with_operand((fixed, expected), policy, x.shape[-1], v)
    special = fixed, np.where(expected == 1.0, 0.0, expected)
    return not_finite.with_operand(special, policy, x.shape[-1], v, used=x != -np.inf)


def error_bound(x: Array, operands: Operands, z: Array, ulp: Array, format: Format) -> Array:
    """What a well-made softmax, a pairwise sum s.v and the roundings of s (v - s.v) owe.

    With m = s.v, and e_i the bound of the error of s_i, as `bounds` has it after Blanchard, Higham
    and Higham (2021)::

        |y_i - z_i| <= 1.1 (e_i |v_i - m| + (s_i + e_i) (2 u |v_i - m| + M)) + eta
        M = (additions + 1) u sum_j s_j |v_j| + sum_j e_j |v_j| + n eta

    M is the error of the computed mean: of its products and their sum (Higham, Accuracy and
    Stability of Numerical Algorithms, section 4.2), and of each s_j. 2 u are the roundings of the
    difference and of the last product, and 1.1 is more than the terms of higher order. NaN, which
    allows every number but no infinity, where z is so small that the bound in ulp is beyond
    float64; infinite where values are so far apart that their difference exceeds the format.
    """
    v = operands[0].astype(np.float64)
    s = rows.sums(x, format).softmax
    setting = bounds.native(format, bounds.pairwise_additions(x.shape[-1]))
    u = setting.unit_roundoff
    with np.errstate(invalid="ignore", over="ignore"):
        s_ulp = format.ulp(s)
        of_s = bounds.error_bound(x, s, s_ulp, format)
        has_bound = np.isfinite(of_s)
        # In ulp: so few of the smallest subnormals are no number of float64.
        s_in_ulp, of_s_in_ulp = s / ulp, of_s * (s_ulp / ulp)
        size, s_error = np.abs(v), np.multiply(of_s, s_ulp, out=of_s)
        mean_error = (setting.additions + 1.0) * u * _mean(s, size) + _mean(s_error, size)
        mean_error += x.shape[-1] * setting.smallest_subnormal
        apart = np.abs(v - _mean(s, v))
        span = row_max(v, keepdims=True) - row_min(v, keepdims=True)
        found = of_s_in_ulp * apart
        s_in_ulp += of_s_in_ulp
        apart *= 2.0 * u
        apart += mean_error
        apart *= s_in_ulp
        found += apart
        found *= 1.1
        found += bounds.in_ulp(setting.smallest_subnormal, ulp)
        found[~has_bound | (1.01 * span > format.largest)] = np.inf
        return found


def lost_by_flushing(x: Array, operands: Operands, z: Array, format: Format) -> Array:
    """s_i (D + |v_i| flushed) + eta', and all of it where s_i is flushed itself.

    D is what the mean s.v loses, eta' a few of the smallest normal numbers.
    """
    least, s = flushing.least_kept(format), flushing.weights(x)
    size = np.abs(operands[0].astype(np.float64))
    with np.errstate(invalid="ignore", over="ignore"):
        of_mean = flushing.lost_of_mean(s, size, least)
        lost = s * (of_mean + flushing.where_flushed(size, least))
        whole = s * (size + (s * size).sum(axis=-1, keepdims=True))
        return np.asarray(lost + np.where(s < least, whole, 0.0) + flushing.SINGLE * least)


def _least_of_rows(n: int, normal: NDArray[np.bool_]) -> Array:
    """(additions + 3) u |z|, where z is a normal number; see `_limit_at_least`.

    Elsewhere that may be next to nothing, and eta is an ulp.
    """
    return np.where(normal, (bounds.pairwise_additions(n) + 3.0) / 2, 1.0)


def _limit_at_least(
    distance: Array, z: Array, ulp: Array, n: int, format: Format, *operands: Array
) -> Array:
    """(A + additions + 3) u |z| + eta: what `error_bound` is without M, where s |v - m| is |z|.

    With softmax's own such limit in place of its bound. What m is rounded by in float64 is paid for
    by M, and by the tenth that is left out.
    """
    in_ulp = format.unit_roundoff / ulp
    limit = np.minimum(distance, rows.FARTHEST) + (bounds.pairwise_additions(n) + 3.0)
    limit *= np.abs(z) * in_ulp
    limit += bounds.in_ulp(format.smallest_subnormal, ulp)
    return np.asarray(limit)


def _mean(s: Array, v: Array) -> Array:
    return row_sum(s * v, keepdims=True)


def input_sensitivity(x: Array, operands: Operands, z: Array, format: Format) -> Array:
    """An upper bound: s_i (|v_i - m| (h_i |1 - 2 s_i| + sum s_j h_j) + sum s_j h_j |v_j - m|).

    From dz_i / dx_k = s_i ((delta_ik - s_k) (v_i - m) - s_k (v_k - m)), m = s.v, the sums over
    j != i.
    """
    v = operands[0].astype(np.float64)
    s, h = rows.sums(x, format).softmax, rows.half_ulps(x, format)
    apart = np.abs(v - _mean(s, v))
    weighted = s * h
    own = apart * (h * np.abs(1.0 - 2.0 * s) + rows.sum_of_others(weighted))
    return np.asarray(s * (own + rows.sum_of_others(weighted * apart)))


def exact_steps(logits: Sequence[Any], operands: Operands) -> list[ExactStep]:
    """softmax, and the mean of v by it."""
    s = steps.normalised(logits)
    (total,) = s[1].values
    return [*s, ExactStep("s.v", [steps.weighted_sum(steps.as_mpf(operands[0]), logits) / total])]


def screened(
    x: Array, operands: Operands, fixed: NDArray[np.bool_], expected: Array, format: Format
) -> Screened:
    """`softmax_harness.operations.screen.moments.gradient`."""
    v = not_finite.without(operands[0].astype(np.float64, copy=False))
    return screen.gradient(x, v, fixed, expected, format)


OPERATION = Operation(
    "gradient",
    "z_i = s_i (v_i - sum_j s_j v_j), s = softmax(x)",
    enclose,
    special_values,
    error_bound,
    input_sensitivity,
    screen=screened,
    cheap_limit=CheapLimit(_least_of_rows, _limit_at_least),
    make_operands=vectors,
    operands=(Operand("v", 1, entries=0),),
    steps=ExactSteps(exact_steps, "s (v - s.v)"),
    lost_by_flushing=lost_by_flushing,
    degenerate=OF_WEIGHTS,
)
