"""logsumexp_weighted: z = log sum_j b_j exp(x_j) with weights of either sign, one result a row.

As scipy.special.logsumexp(x, b=b) has it: NaN where the sum is below 0, -inf where it is 0; a logit
with a weight of 0 does not count, whatever it is. Laws: adding c to all logits adds c; multiplying
all weights by 2 adds log 2; b = 1 gives logsumexp. Condition: sum |b_j| exp(x_j) over the sum.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.formats import Format, format_of
from softmax_harness.ground.row_reductions import row_dot, row_sum
from softmax_harness.operations import bounds, flushing, rows, screen, steps
from softmax_harness.operations.balls import (
    ONE,
    Ball,
    exact,
    fraction,
    logarithm_of_one_and,
    product,
    quotient,
    total,
)
from softmax_harness.operations.enclosure import Array, Enclosure
from softmax_harness.operations.operand import Operand, Operands, by_kind, powers_of_two, with_nans
from softmax_harness.operations.operation import ANYTHING, Degenerate, Operation, Policy
from softmax_harness.operations.screen import Screened
from softmax_harness.operations.steps import ExactStep, ExactSteps

_FIRST_BITS = 128
_EQUAL_ENDS = 1 / 16
_CALLS_CANCELLING, _MOST_CANCELLED, _MOST_SCALED = 0.2, 13, 256.0
# Of so many calls all weights are one of these: a kernel may take a short way there.
_CALLS_OF_ONE, _OF_CALLS = 0.08, (1.0, 3.0)
_CANCELLING_AT_THE_LARGEST = 0.08  # of the rows, where that is possible
_LEFT_OUT = 0.25  # of the rows, where what is not finite has a weight of 0
_BELOW = 0.3  # of the weights of a row of both signs
# Of the sum of |b_j| exp(x_j - a) in float64: the exponentials err by 745 u and less, the sum by n.
_SURE = 2.0**-40
_NEAR, _LARGEST, _LEAST = 80.0, 2.0**850, 2.0**-900
_ROUNDED = 3.0  # numbers as large as the result


def signed_weights(stored: NDArray[Any], rng: np.random.Generator) -> Operands:
    """b in the format of the logits: positive, of both signs, negative, some or all of them 0.

    Of some rows all are 1, of some calls all are 1 or 3; of other rows they are 1 and 0, or 1 and
    -1. Of some rows all weights are far from 1, or each is of another magnitude; a few hold a NaN.
    In some rows, and of some calls, the last weight is the first one, and not all are the same for
    that. In some rows what is not finite has a weight of 0.
    In some rows of several largest logits the weights of these add up to 0, and others count.
    What else cancels to less than a quarter is made positive: of a sum that is badly conditioned
    not even the sign can be told. In some calls a part is left that half the bits of the format
    tell.
    """
    rows_, n = stored.shape
    size = np.exp2(rng.integers(-3, 4, (rows_, n))) * rng.uniform(0.5, 1.0, (rows_, n))

    def is_drawn(some: NDArray[np.int64], share: float) -> NDArray[np.bool_]:
        return rng.random((len(some), n)) < share

    kind = rng.choice(8, (rows_,), p=(0.15, 0.4, 0.15, 0.1, 0.05, 0.05, 0.05, 0.05))
    kinds = (
        lambda some: size[some],
        lambda some: np.where(is_drawn(some, _BELOW), -size[some], size[some]),
        lambda some: np.where(
            is_drawn(some, 0.5), size[some], np.where(is_drawn(some, _BELOW), -0.0, 0.0)
        ),
        lambda some: -size[some],
        lambda some: np.zeros(()),
        lambda some: np.ones(()),
        lambda some: is_drawn(some, 0.5).astype(float),
        lambda some: np.where(is_drawn(some, _BELOW), -1.0, 1.0),
    )
    b = _with_equal_ends(by_kind(kind, kinds, n), rng)
    if rng.random() < _CALLS_OF_ONE:
        b = np.full_like(b, rng.choice(_OF_CALLS))
    format = format_of(stored)
    signed = np.flatnonzero((b > 0.0).any(axis=-1) & (b < 0.0).any(axis=-1))
    b[signed] = _not_cancelling(stored[signed].astype(np.float64), b[signed], format, rng)
    b = _cancelling_at_the_largest(stored.astype(np.float64), b, rng)
    b = _of_any_scale(b, size, format, rng)
    left_out = np.flatnonzero(rng.random(rows_) < _LEFT_OUT)
    b[left_out] = np.where(np.isfinite(stored[left_out].astype(np.float64)), b[left_out], 0.0)
    b = with_nans(b, stored, rng)
    return (format.stored(b),)


def _of_any_scale(b: Array, size: Array, format: Format, rng: np.random.Generator) -> Array:
    """The weights, but of some rows far from 1, and of some each of another magnitude."""
    drawn = rng.random(len(b))
    apart, scaled = np.flatnonzero(drawn < 0.1), np.flatnonzero((drawn >= 0.1) & (drawn < 0.2))
    b[apart] = size[apart] * powers_of_two(format, (len(apart), b.shape[-1]), rng, 9)
    scale, own = powers_of_two(format, (len(scaled), 1), rng, 9), b[scaled]
    # What is lost below the smallest number may be all that tells the sign.
    b[scaled] = scale * np.where(scale < 2.0 ** (format.emin // 2), np.abs(own), own)
    return b


def _not_cancelling(x: Array, b: Array, format: Format, rng: np.random.Generator) -> Array:
    """Weights of both signs: positive ones where the sum cancels to less than a quarter."""
    with np.errstate(invalid="ignore", over="ignore"):
        known = _float_sums(x, b)
        cancels = np.abs(known.whole) < 0.25 * known.size
    return _nearly_cancelling(np.where(cancels, np.abs(b), b), known.terms, format, rng)


def _cancelling_at_the_largest(x: Array, b: Array, rng: np.random.Generator) -> Array:
    """Of some rows in which the largest logit occurs more than once, those of that add up to 0.

    The others count alone, positively and as much: a form that begins with the largest has 0 there.
    """
    drawn = np.flatnonzero(rng.random(len(b)) < _CANCELLING_AT_THE_LARGEST)
    own = x[drawn]
    at_top = own == own.max(axis=-1, keepdims=True, initial=-np.inf)
    with np.errstate(invalid="ignore", over="ignore"):
        below = np.exp(own - own.max(axis=-1, keepdims=True, initial=-np.inf))
    others = np.abs(b[drawn])
    rest = np.where(at_top, 0.0, below * others).sum(axis=-1)
    fits = (at_top.sum(axis=-1) > 1) & np.isfinite(own).all(axis=-1) & (rest > _SURE)
    weight = np.exp2(np.floor(np.log2(rest[fits])) - 1.0)
    found = np.where(at_top, 0.0, others)[fits]
    places = np.argsort(~at_top[fits], axis=-1, kind="stable")
    for place, sign in ((0, 1.0), (1, -1.0)):
        np.put_along_axis(found, places[:, place : place + 1], sign * weight[:, None], axis=-1)
    given = b.copy()
    given[drawn[fits]] = found
    return given


def _nearly_cancelling(b: Array, terms: Array, format: Format, rng: np.random.Generator) -> Array:
    """Of some calls, rows of both signs with weights below 0 that leave little of the sum."""
    most = min(max(format.precision // 2, 4), _MOST_CANCELLED)
    left = 2.0 ** -rng.integers(3, most, (len(b), 1)).astype(np.float64)
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
        above, below = (
            np.where(own, terms, 0.0).sum(axis=-1, keepdims=True) for own in (b > 0.0, b < 0.0)
        )
        factor = above * (1.0 - left) / below
    chosen = (factor > 1.0 / _MOST_SCALED) & (factor < _MOST_SCALED)
    chosen &= (rng.random((len(b), 1)) < 0.5) & (rng.random() < _CALLS_CANCELLING)
    return b * np.where(chosen & (b < 0.0), factor, 1.0)


def _with_equal_ends(b: Array, rng: np.random.Generator) -> Array:
    if b.size:
        rows_ = np.flatnonzero(rng.random(len(b)) < _EQUAL_ENDS)
        b[rows_, -1] = b[rows_, 0]
        if rng.random() < _EQUAL_ENDS:
            b[-1, -1] = b[0, 0]
    return b


class _FloatSums(NamedTuple):
    """In float64, of each row; a is the largest logit whose weight is not 0, weights are scaled.

    Attributes
    ----------
    terms : ndarray, shape (rows, n)
        |b_j| exp(x_j - a).
    distance : ndarray, shape (rows, n)
        a - x_j, 0 where the term is.
    whole, size : ndarray, shape (rows, 1)
        The sums of b_j exp(x_j - a) and of its absolute values.
    scale : ndarray, shape (rows, 1)
        The power of two that the weights were divided by.
    """

    terms: Array
    distance: Array
    whole: Array
    size: Array
    scale: Array


def _float_sums(x: Array, b: Array) -> _FloatSums:
    counts = (b != 0.0) & (x != -np.inf)
    top = np.max(np.where(counts, x, -np.inf), axis=-1, keepdims=True, initial=-np.inf)
    top = np.where(np.isfinite(top), top, 0.0)
    largest = np.max(np.where(counts, np.abs(b), 0.0), axis=-1, keepdims=True, initial=0.0)
    scale = np.exp2(np.frexp(largest)[1] - 1.0)
    with np.errstate(invalid="ignore", over="ignore"):
        terms = np.where(counts, np.abs(b / scale) * np.exp(np.minimum(x - top, 0.0)), 0.0)
        distance = np.where(terms > 0.0, top - x, 0.0)
    whole = np.where(b < 0.0, -terms, terms).sum(axis=-1, keepdims=True)
    return _FloatSums(terms, distance, whole, terms.sum(axis=-1, keepdims=True), scale)


class _Weighted(NamedTuple):
    """The distinct logits of a row, ascending, with the exact sums of their weights, none 0."""

    values: list[float]
    sums: list[Ball]

    @classmethod
    def of(cls, x: Array, b: Array) -> _Weighted:
        found: dict[float, list[Ball]] = {}
        for logit, weight in zip(x.tolist(), b.astype(np.float64).tolist(), strict=True):
            if weight and logit != -np.inf:
                found.setdefault(logit, []).append(exact(weight))
        sums = [(logit, total(found[logit])) for logit in sorted(found)]
        kept = [(logit, weight) for logit, weight in sums if weight.man]
        return cls([logit for logit, _ in kept], [weight for _, weight in kept])

    def others(self, bits: int) -> Ball:
        """The weighted sum of the exponentials of all logits but the largest, exp(a) being 1."""
        terms = rows.weights(self.values, bits)[:-1]
        return total((product(b, t) for b, t in zip(self.sums, terms, strict=False)), bits)

    def whole(self, bits: int) -> Ball:
        """The sum with the largest logit."""
        return total([self.sums[-1], self.others(bits)], bits)

    def sign(self) -> int:
        """Of the sum, which is 0 only if nothing is left (Lindemann-Weierstrass)."""
        bits, found = _FIRST_BITS, None if self.values else 0
        while found is None:
            found, bits = self.whole(bits).sign, 2 * bits
        return found


def enclose(x: Array, operands: Operands, precision: int) -> list[Enclosure | None]:
    """a + log T with T = sum of B_g exp(x_g - a), which is above 0; B_g sums weights of one logit.

    It is a exactly if T = 1, which is so only for a single logit with B = 1; otherwise it is no
    algebraic number, since exp(z) is a sum of exponentials.
    """
    row = _Weighted.of(x, operands[0])
    return [rows.exact_and_small(exact(row.values[-1]), _log(row, precision), precision)]


def _log(row: _Weighted, precision: int) -> Ball:
    """log T by log1p of T - 1, or of (1 - T) / T where T is below 1/2."""
    bits = precision
    while row.whole(bits).sign != 1:  # above 0, as `special_values` found
        bits *= 2
    less = total([row.sums[-1], -ONE])
    apart = total([less, row.others(bits)], bits)
    is_small = apart.magnitude <= -1  # of what is next to nothing there is no fraction
    if is_small or fraction(Ball(apart.man, apart.exp)) >= -0.5:
        return logarithm_of_one_and(apart, bits)
    return -logarithm_of_one_and(quotient(-apart, row.whole(bits), bits), bits)


def special_values(x: Array, policy: Policy, operands: Operands) -> tuple[NDArray[np.bool_], Array]:
    """NaN and -inf by the sign of the sum; NaN of a NaN, and of +inf with a weight below 0.

    Anything of a weight that is infinite: see `softmax_harness.operations.not_finite`.
    """
    b = operands[0].astype(np.float64, copy=False)
    known = _Ranges.of(x, b)
    finite = known.are_finite
    some = np.flatnonzero(finite)
    expected = np.zeros(len(x))
    expected[some] = _by_sign(_signs(x, b, known, some))
    is_nan = np.isnan(known.most)  # as the largest weight is where one is
    expected[is_nan] = np.nan
    others = np.flatnonzero(~(finite | is_nan))
    if others.size:
        expected[others] = _of_not_finite(x[others], b[others])
    return (expected != 0.0)[:, None], expected[:, None]


def _of_not_finite(x: Array, b: Array) -> Array:
    """What is fixed in rows in which some logits or weights are not finite, 0 where nothing is."""
    used = np.where(b != 0.0, x, -np.inf)
    infinite = (used == np.inf).any(axis=-1)
    lost = np.isnan(used).any(axis=-1) | np.isnan(b).any(axis=-1)
    anything = np.isinf(b).any(axis=-1) & ~lost
    lost |= ((used == np.inf) & (b < 0.0)).any(axis=-1)
    expected = np.zeros(len(x))
    expected[infinite] = np.inf
    expected[anything] = ANYTHING
    expected[lost] = np.nan
    plain = np.flatnonzero(~(lost | infinite | anything))
    own = used[plain], b[plain]
    expected[plain] = _by_sign(_signs(*own, _Ranges.of(*own), np.arange(len(plain))))
    return expected


def _by_sign(sign: NDArray[np.int64]) -> Array:
    """To what the sign of the sum fixes the result; 0 where it does not."""
    return np.where(sign < 0, np.nan, np.where(sign == 0, -np.inf, 0.0))


class _Ranges(NamedTuple):
    """The largest and the smallest logit and weight of each row, shape (rows,)."""

    top: Array
    bottom: Array
    most: Array
    least: Array

    @classmethod
    def of(cls, x: Array, b: Array) -> _Ranges:
        bounds_ = (each(axis=-1, initial=0.0) for each in (b.max, b.min))
        return cls(x.max(axis=-1, initial=-np.inf), x.min(axis=-1, initial=np.inf), *bounds_)

    @property
    def are_finite(self) -> NDArray[np.bool_]:
        """Whether all logits and weights of a row are, shape (rows,)."""
        return np.asarray(np.isfinite(self).all(axis=0))

    def rows(self, chosen: NDArray[np.int64]) -> _Ranges:
        """Those of some rows."""
        return _Ranges(*(each[chosen] for each in self))


def _signs(x: Array, b: Array, known: _Ranges, some: NDArray[np.int64]) -> NDArray[np.int64]:
    """The sign of the sum in some rows: of all that counts, in float64 where sure, else exactly.

    -inf may be among the logits, and nothing else that is not finite.
    """
    up, down = known.most[some] > 0.0, known.least[some] < 0.0
    hidden = np.flatnonzero(known.bottom[some] == -np.inf)
    if hidden.size:
        counted = np.where(x[some[hidden]] != -np.inf, b[some[hidden]], 0.0)
        up[hidden], down[hidden] = (counted > 0.0).any(axis=-1), (counted < 0.0).any(axis=-1)
    signs: NDArray[np.int64] = up.astype(np.int64) - down
    places = np.flatnonzero(up & down)
    both = some[places]
    of_all = slice(None) if len(both) == len(x) else both  # of which no copy is needed
    whole, size = _sums_of_terms(x[of_all], b[of_all], known.rows(both))
    signs[places] = np.where(whole > 0.0, 1, -1)
    sure = np.abs(whole) > _SURE * (1.0 + x.shape[-1] * 2.0**-12) * size
    sure &= (size > _LEAST) & (size < np.inf)
    for place, row in zip(places[~sure].tolist(), both[~sure].tolist(), strict=True):
        signs[place] = _Weighted.of(x[row], b[row]).sign()
    return signs


def _sums_of_terms(x: Array, b: Array, known: _Ranges) -> tuple[Array, Array]:
    """The sums of b_j exp(x_j - a), shape (rows,), and bounds of those of their absolute values.

    a as in `_FloatSums`, or 0 where all logits are near it. A term that underflows is below
    2**-1074, which counts nothing in sums above `_LEAST`.
    """
    if max(known.top.max(initial=0.0), -known.bottom.min(initial=0.0)) < _NEAR and (
        max(known.most.max(initial=0.0), -known.least.min(initial=0.0)) < _LARGEST
    ):
        terms, largest = np.exp(x), np.maximum(known.most, -known.least)
        return row_dot(terms, b), largest * row_sum(terms)
    sums = _float_sums(x, b)
    return sums.whole[:, 0], sums.size[:, 0]


def error_bound(x: Array, operands: Operands, z: Array, ulp: Array, format: Format) -> Array:
    """a + log T: the error of T over T, that of its logarithm, and `_ROUNDED` times that of z.

    Whoever adds log |b| to the logits, or to their maximum, rounds a number next to z before; each
    time the error is u |z| and half a spacing.
    Infinite where T may be lost: its error is T / 2 or more, or a sum of terms of one sign, as
    large as those of both together, exceeds the format.
    """
    b = operands[0].astype(np.float64)
    setting = bounds.native(format, bounds.pairwise_additions(x.shape[-1]))
    u, eta, errors = setting.unit_roundoff, setting.smallest_subnormal, setting.errors
    known = _float_sums(x, b)
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
        relative = (setting.additions + 2.0) * u + errors.exp
        lost = x.shape[-1] * (errors.exp_subnormal + 1.0) * eta * (1.0 + 1.0 / known.scale)
        drift = u * (known.terms * known.distance).sum(axis=-1, keepdims=True)
        share = 1.1 * (relative * known.size + drift + lost) / known.whole
        log = np.abs(np.log(known.whole * known.scale))
        absolute = 1.5 * share + (errors.log + u) * log + _ROUNDED * (u * np.abs(z) + 0.5 * eta)
        held = known.size * known.scale * (1.0 + relative) < format.largest
        return np.asarray(np.where((share < 0.5) & held, absolute, np.inf) / ulp)


def input_sensitivity(x: Array, operands: Operands, z: Array, format: Format) -> Array:
    """sum of |w_j| h_j with w_j = b_j exp(x_j) / sum, the gradient."""
    known = _float_sums(x, operands[0].astype(np.float64))
    moved = known.terms * rows.half_ulps(x, format)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(moved.sum(axis=-1, keepdims=True) / np.abs(known.whole))


def counted(x: Array, operands: Operands) -> Array:
    """The logits with -inf where the weight is 0."""
    return np.where(operands[0].astype(np.float64) != 0.0, x, -np.inf)


def lost_by_flushing(x: Array, operands: Operands, z: Array, format: Format) -> Array:
    """What the sum loses, over the sum; infinite from half of it on, or of a term beyond numbers.

    -log(1 - r) is at most 2 r for r up to 1/2. The exponentials are those of the differences from
    the largest logit that has a weight.
    """
    b, logits = operands[0].astype(np.float64), counted(x, operands)
    least, size = flushing.least_kept(format), np.abs(b)
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
        terms = np.exp(logits - logits.max(axis=-1, keepdims=True, initial=-np.inf))
        whole = np.abs((terms * b).sum(axis=-1, keepdims=True))
        lost = flushing.lost_of_mean(terms, size, least)
        part = np.where(whole > 0.0, lost / whole, 0.0)
        is_number = logits < np.inf
        is_gone = (~is_number & (size < least)).any(axis=-1, keepdims=True)
        is_gone |= (part >= 0.5) | ((whole == 0.0) & (lost > flushing.SINGLE * least))
        return np.asarray(np.where(is_gone, np.inf, 2.0 * part + flushing.SINGLE * least))


def exact_steps(logits: Sequence[Any], operands: Operands) -> list[ExactStep]:
    """The exponentials, these times their weights, and the sum."""
    b, terms = steps.as_mpf(operands[0]), steps.summed(logits)[0]
    weighed = [own * term for own, term in zip(b, terms.values, strict=True)]
    total = steps.weighted_sum(b, logits)
    return [terms, ExactStep("weigh", weighed), ExactStep("sum", [total])]


def screened(
    x: Array, operands: Operands, fixed: NDArray[np.bool_], expected: Array, format: Format
) -> Screened:
    """`softmax_harness.operations.screen.weighted.logsumexp_weighted`."""
    return screen.logsumexp_weighted(
        x, operands[0].astype(np.float64, copy=False), fixed, expected, format
    )


OPERATION = Operation(
    "logsumexp_weighted",
    "z = log sum_j b_j exp(x_j)",
    enclose,
    special_values,
    error_bound,
    input_sensitivity,
    screen=screened,
    make_operands=signed_weights,
    steps=ExactSteps(exact_steps, "logarithm"),
    operands=(Operand("b", 1, entries=0),),
    effective_logits=counted,
    lost_by_flushing=lost_by_flushing,
    one_result=True,
    degenerate=Degenerate(of_lost_weight=-np.inf, of_infinite_sum=np.inf),
)
