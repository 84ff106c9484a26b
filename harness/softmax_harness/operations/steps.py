"""The exact steps to the results of a row, as `explain` shows them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from softmax_harness.operations.operand import Operands


class ExactStep(NamedTuple):
    """What one step gives.

    Attributes
    ----------
    title : str
        What it does, in a word or two.
    values : list of mpf
        One for each logit, or one alone.
    """

    title: str
    values: list[Any]


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

    before: Callable[[list[Any], Operands], list[ExactStep]]
    last: str = "result"


def exact_exp(value: Any) -> Any:
    """exp of an mpf to mpmath's working precision, 0 for -inf; no argument is too large for it."""
    import mpmath

    from softmax_harness.operations.softmax import exp_relative

    if not mpmath.isfinite(value):
        return mpmath.exp(value)
    return mpmath.mp.make_mpf(exp_relative(mpmath.mpf(value)._mpf_, mpmath.mp.prec))


def summed(logits: list[Any], operands: Operands = ()) -> list[ExactStep]:
    """The exponentials and their sum."""
    import mpmath

    terms = [exact_exp(each) for each in logits]
    return [ExactStep("exponentiate", terms), ExactStep("sum", [mpmath.fsum(terms)])]


def normalised(logits: list[Any], operands: Operands = ()) -> list[ExactStep]:
    """The exponentials, their sum, and the quotients."""
    terms, total = summed(logits)
    quotients = [each / total.values[0] for each in terms.values]
    return [terms, total, ExactStep("normalise", quotients)]


def logarithm(logits: list[Any], operands: Operands = ()) -> list[ExactStep]:
    """The exponentials, their sum, and its logarithm."""
    import mpmath

    terms, total = summed(logits)
    return [terms, total, ExactStep("logarithm", [mpmath.log(total.values[0])])]


def kept(logits: list[Any], mask: Any) -> list[Any]:
    """The logits with -inf where a mask keeps nothing."""
    import mpmath

    return [each if seen else mpmath.ninf for each, seen in zip(logits, mask, strict=True)]


def as_mpf(values: Any) -> list[Any]:
    """Each number of a row of any format up to float64, exactly."""
    import mpmath

    return [mpmath.mpf(float(each)) for each in values]
