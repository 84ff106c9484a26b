"""The exact steps to the results of a row, as `explain` shows them."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from softmax_harness.operations import long_sums
from softmax_harness.operations.operand import Operands
from softmax_harness.operations.relative_exp import exp_relative

_NEXT_TO_1 = 2.0**-16


class ExactStep(NamedTuple):
    """What one step gives.

    Attributes
    ----------
    title : str
        What it does, in a word or two.
    values : sequence of mpf
        One for each logit, or one alone.
    """

    title: str
    values: Sequence[Any]


class Each(Sequence[Any]):
    """A sequence whose entries are computed when they are asked for: of long rows few are shown.

    Parameters
    ----------
    count : int
    entry : callable
        ``entry(place)``, to the working precision that holds now.
    """

    def __init__(self, count: int, entry: Callable[[int], Any]) -> None:
        import mpmath

        self._count, self._entry, self._bits = count, entry, mpmath.mp.prec

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, place: Any) -> Any:
        import mpmath

        if isinstance(place, slice):
            return [self[each] for each in range(*place.indices(self._count))]
        if not -self._count <= place < self._count:
            raise IndexError(place)
        with mpmath.workprec(self._bits):
            return self._entry(place % self._count)


class ExactSteps(NamedTuple):
    """How an operation comes to its results.

    Attributes
    ----------
    before : callable
        ``before(logits, operands)`` gives the steps before the last one, from the logits of a row
        as mpf and the row of each operand, to mpmath's working precision.
    last : str
        The title of the last step, whose values are the results themselves.
    """

    before: Callable[[Sequence[Any], Operands], list[ExactStep]]
    last: str = "result"


def exact_exp(value: Any) -> Any:
    """exp of an mpf to mpmath's working precision, 0 for -inf; no argument is too large for it."""
    import mpmath

    if not mpmath.isfinite(value):
        return mpmath.exp(value)
    return mpmath.mp.make_mpf(exp_relative(mpmath.mpf(value)._mpf_, mpmath.mp.prec))


_MOST_CANCELLED = 1 << 14  # bits, more than any two exponentials of float64 need to be told apart


def weighted_sum(weights: Sequence[Any], logits: Sequence[Any], less: int = 0) -> Any:
    """sum_j w_j exp(x_j) - less, to the working precision relative to itself.

    Weights of equal logits are added first, exactly. Exponentials of different logits are linearly
    independent (Lindemann-Weierstrass), so that what is left is not 0, and enough bits tell it.
    """
    import mpmath

    of_logit: dict[Any, Any] = {mpmath.mpf(0): mpmath.mpf(-less)}
    for weight, logit in zip(weights, logits, strict=True):
        if mpmath.isfinite(logit):
            of_logit[logit] = mpmath.fadd(of_logit.get(logit, 0), weight, exact=True)
    terms = [(weight, logit) for logit, weight in of_logit.items() if weight]
    wanted = more = mpmath.mp.prec
    while True:
        with mpmath.workprec(wanted + more):
            several = [weight * exact_exp(logit) for weight, logit in terms]
            total = mpmath.fsum(several)
            if not mpmath.isfinite(total):
                return total
            lost = max(map(mpmath.mag, several), default=0) - mpmath.mag(total) if total else more
        if not terms or lost < more - len(terms).bit_length() or more > _MOST_CANCELLED:
            return +total
        more *= 2


def summed(logits: Sequence[Any], operands: Operands = ()) -> list[ExactStep]:
    """The exponentials and their sum."""
    terms = Each(len(logits), lambda place: exact_exp(logits[place]))
    return [ExactStep("exponentiate", terms), ExactStep("sum", [_total(logits)])]


def _total(logits: Sequence[Any]) -> Any:
    """The sum of the exponentials; of a long row of floats as `rest_of_row` knows it."""
    import mpmath

    if long_sums.is_long(len(logits)):
        finite = np.array([float(each) for each in logits if mpmath.isfinite(each)])
        is_float = all(map(operator.eq, finite.tolist(), filter(mpmath.isfinite, logits)))
        if is_float and long_sums.is_long(finite.size):
            rest = long_sums.rest_of_row(finite)
            others = mpmath.ldexp(rest.others.man, rest.others.exp)
            return exact_exp(mpmath.mpf(float(finite.max()))) * (rest.most + others)
    return mpmath.fsum(map(exact_exp, logits))


def normalised(logits: Sequence[Any], operands: Operands = ()) -> list[ExactStep]:
    """The exponentials, their sum, and the quotients."""
    terms, total = summed(logits)
    quotients = Each(len(logits), lambda place: terms.values[place] / total.values[0])
    return [terms, total, ExactStep("normalise", quotients)]


def logarithm(logits: Sequence[Any], operands: Operands = ()) -> list[ExactStep]:
    """The exponentials, their sum, and its logarithm."""
    terms, total = summed(logits)
    return [terms, total, ExactStep("logarithm", [_log(total.values[0], logits)])]


def _log(total: Any, logits: Sequence[Any]) -> Any:
    """The logarithm of the sum of the exponentials; next to 1 that of what it is beyond 1."""
    import mpmath

    if long_sums.is_long(len(logits)) or abs(total - 1) > _NEXT_TO_1:
        return mpmath.log(total)
    return mpmath.log1p(weighted_sum([1] * len(logits), logits, less=1))


def kept(logits: Sequence[Any], mask: Any) -> Sequence[Any]:
    """The logits with -inf where a mask keeps nothing."""
    import mpmath

    return Each(len(logits), lambda place: logits[place] if mask[place] else mpmath.ninf)


def as_mpf(values: Any) -> Sequence[Any]:
    """Each number of a row of any format up to float64, exactly."""
    import mpmath

    return Each(len(values), lambda place: mpmath.mpf(float(values[place])))
