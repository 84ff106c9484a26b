"""Outcomes: what happened to one element (overflow, underflow, ...). Each has exactly one."""

from __future__ import annotations

from enum import Flag, StrEnum, auto
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.formats import Format
from softmax_harness.ground.row_reductions import row_all, row_any, row_max, row_min
from softmax_harness.judgement.as_asked import is_one_of_several
from softmax_harness.judgement.metrics import Batch
from softmax_harness.operations import DEFAULT_OPERATION, OPERATIONS, Operation


class _Kind(Flag):
    NEITHER = 0
    GOOD = auto()
    BROKEN = auto()
    UNDERFLOW = auto()


class Outcome(StrEnum):
    """What happened to one element; `classify` says when each holds.

    The string is the name of the outcome, of its column in results.csv and of a finding.

    Attributes
    ----------
    code : int
        Its index in `OUTCOMES`.
    severity : int
        Its place from harmless to worst.
    colour : str
        In figures and pages. Lightness falls with severity, so that a grey print can be read.
    letter : str
        What stands for it in a figure beside the colour.
    meaning : str
        In a line, of a softmax.
    """

    code: int
    severity: int
    colour: str
    letter: str
    meaning: str
    _kind: _Kind

    def __new__(
        cls, name: str, severity: int, colour: str, letter: str, meaning: str, kind: _Kind
    ) -> Self:
        """The outcome of that name, with the next code."""
        self = str.__new__(cls, name)
        self._value_ = name
        self.code = len(cls.__members__)
        self.severity, self.colour, self.letter = severity, colour, letter
        self.meaning, self._kind = meaning, kind
        return self

    CORRECTLY_ROUNDED = "correctly_rounded", 0, "#ffffff", "", "correctly rounded", _Kind.GOOD
    ACCURATE = "accurate", 1, "#e3eef7", "a", "accurate", _Kind.GOOD
    INACCURATE = "inaccurate", 3, "#f0c04a", "I", "inaccurate", _Kind.NEITHER
    OVERFLOW = "overflow", 9, "#b3401a", "O", "overflow", _Kind.BROKEN
    NAN = "nan", 10, "#111111", "N", "unexplained NaN", _Kind.BROKEN
    DENOMINATOR_UNDERFLOW = (
        "denominator_underflow",
        8,
        "#27608f",
        "D",
        "denominator underflows",
        _Kind.BROKEN | _Kind.UNDERFLOW,
    )
    SPURIOUS_UNDERFLOW = (
        "spurious_underflow",
        5,
        "#4f8fbf",
        "S",
        "spurious underflow",
        _Kind.BROKEN | _Kind.UNDERFLOW,
    )
    INHERENT_UNDERFLOW = (
        "inherent_underflow",
        2,
        "#c9d9a0",
        "u",
        "underflow that the dtype cannot avoid",
        _Kind.GOOD | _Kind.UNDERFLOW,
    )
    FLUSHED_SUBNORMAL = (
        "flushed_subnormal",
        4,
        "#8fb3c9",
        "F",
        "0 where a subnormal was due",
        _Kind.UNDERFLOW,
    )
    OUT_OF_RANGE = "out_of_range", 7, "#a0569a", "R", "out of range", _Kind.BROKEN
    WRONG_SPECIAL = "wrong_special", 6, "#c07fb0", "W", "wrong special value", _Kind.BROKEN

    @property
    def is_good(self) -> bool:
        """Whether the result is as good as the format and a careful implementation make it."""
        return _Kind.GOOD in self._kind

    @property
    def is_broken(self) -> bool:
        """Whether the result is lost although the format could hold a better one."""
        return _Kind.BROKEN in self._kind

    @property
    def is_underflow(self) -> bool:
        """Whether something became 0, or too small to divide by."""
        return _Kind.UNDERFLOW in self._kind

    @property
    def is_nearest(self) -> bool:
        """Whether the result is the number of the format nearest to the exact one."""
        return self.is_good and self is not Outcome.ACCURATE


OUTCOMES = tuple(Outcome)
FAULTS = tuple(each for each in OUTCOMES if not each.is_good)
BROKEN = tuple(each for each in OUTCOMES if each.is_broken)

IS_FAULT = np.array([not each.is_good for each in OUTCOMES])
"""By the code of an outcome."""

_LARGEST = float(np.finfo(np.float64).max)


def replay_sum(x: NDArray[np.float64], format: Format) -> NDArray[np.float64]:
    """The naive sum of exp(x) of each row as the format would hold it: shape (rows, 1).

    Each exponential is rounded to the format, the sum once at the end: infinity says that the
    naive steps overflow, 0 that their denominator underflows.
    """
    return rounded_sum(replayed(x, format), format)


def replayed(x: NDArray[np.float64], format: Format) -> NDArray[np.float64]:
    """The same before the sum is rounded."""
    with np.errstate(all="ignore"):
        if format.has_infinity:
            terms = format.nearest(np.exp(format.nearest(x)))
        else:  # x may hold infinities all the same
            terms = _held(np.exp(x), format)
        return np.asarray(terms.sum(axis=-1, keepdims=True))


def rounded_sum(total: NDArray[np.float64], format: Format) -> NDArray[np.float64]:
    """A sum as a format holds it."""
    with np.errstate(all="ignore"):
        return format.nearest(total) if format.has_infinity else _held(total, format)


def _held(values: NDArray[np.float64], format: Format) -> NDArray[np.float64]:
    """Numbers above 0 rounded to a format, infinity in place of what it cannot hold."""
    found = format.nearest(values)  # NaN at the bound itself, where that is a tie that goes there
    is_beyond = (values > format.overflow_bound) | (np.isnan(found) & ~np.isnan(values))
    return np.where(is_beyond, np.inf, found)


def _shifted(x: NDArray[np.float64]) -> NDArray[np.float64]:
    with np.errstate(all="ignore"):
        return np.asarray(x - x.max(axis=-1, keepdims=True))


def classify(
    batch: Batch,
    limit_ulp: NDArray[np.float64] | float = np.inf,
    operation: Operation = OPERATIONS[DEFAULT_OPERATION],
) -> NDArray[np.int8]:
    """The outcome of each element, as an index into `OUTCOMES`: the first that holds.

    With y the output, z the exact result, r the number of the format nearest to it, and the naive
    sum of exponentials replayed in the format:

    - the policy fixes the result: correctly_rounded if y is that, else wrong_special;
    - y is not finite, and not r: overflow if r is the largest number, of y's sign;
      spurious_underflow if y is the logarithm of 0, and a row of an infinite sum does not look like
      that; overflow if the sum is infinite; if y is NaN or the logarithm of 0,
      denominator_underflow if the sum is 0; spurious_underflow if y is the logarithm of 0;
      overflow if y is infinite; else nan;
    - y is outside the range of the operation: out_of_range;
    - y is r: inherent_underflow if that is 0 and z is not, else correctly_rounded;
    - y is 0 and errs by more than the limit: overflow if the sum hides it, flushed_subnormal if
      |z| is below the smallest normal number, else spurious_underflow;
    - accurate up to the limit, else inaccurate.

    Parameters
    ----------
    batch : Batch
        Inputs, computed outputs and the truth.
    limit_ulp : float or ndarray of float64, shape (rows, n)
        Up to this error in ulp an element is accurate, beyond it inaccurate. Where an array is
        infinite, nothing is a fault, infinity and NaN neither.
    operation : Operation
        Of which the results are: what range they have.
    """
    # The first three codes, 0, 1 and 2, without a branch.
    codes: NDArray[np.int8] = (batch.y != batch.truth.rounded).view(np.int8)
    if np.ndim(limit_ulp) or limit_ulp < np.inf:
        with np.errstate(invalid="ignore"):
            codes *= 1 + (batch.absolute > limit_ulp).astype(np.int8)
    any_result = np.isposinf(limit_ulp) if np.ndim(limit_ulp) else None
    rows = np.flatnonzero(~(batch.usual if operation.is_distribution else _plain(batch, operation)))
    if rows.size:
        codes[rows] = _unusual(batch.rows(rows), codes[rows], operation)
    if np.ndim(limit_ulp) and not np.isfinite(batch.y).all():
        codes[_may_be_beyond(batch, np.asarray(limit_ulp))] = Outcome.ACCURATE.code
    if any_result is not None and any_result.any():  # a careful implementation overflows there
        fixed = batch.truth.fixed
        is_defined = ~fixed | (batch.truth.rounded == 1.0)  # which a row of one is, whatever it has
        is_lost = (any_result | ~is_defined).all(-1, keepdims=True)
        is_lost &= is_defined.any(-1, keepdims=True)
        codes[((any_result & ~fixed) | is_lost) & IS_FAULT[codes]] = Outcome.ACCURATE.code
    return codes


def _plain(batch: Batch, operation: Operation) -> NDArray[np.bool_]:
    """Rows in which nothing is fixed and all outputs are numbers of the range other than 0."""
    y = batch.y
    least, most = row_min(y), row_max(y)
    inside = (least >= max(operation.least, -_LARGEST)) & (most <= min(operation.most, _LARGEST))
    return np.asarray(inside & ((least > 0) | row_all(y != 0)) & ~row_any(batch.truth.fixed))


def _may_be_beyond(batch: Batch, limit_ulp: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Where y is what overflow gives, and a number as near to z as the limit allows overflows.

    Half an ulp of the limit is what its last rounding takes.
    """
    y, truth = batch.y, batch.truth
    format = truth.format
    lost = np.isinf(y) if format.has_infinity else np.isnan(y)
    lost &= ~truth.fixed & np.isfinite(truth.rounded) & ~(y * truth.rounded < 0)
    if format.saturates or not lost.any():
        return np.zeros(y.shape, bool)
    with np.errstate(over="ignore", invalid="ignore"):
        highest = np.abs(truth.value) + np.maximum(limit_ulp - 0.5, 0.0) * truth.ulp
        return np.asarray(lost & (highest >= format.overflow_bound))


def _unusual(batch: Batch, codes: NDArray[np.int8], operation: Operation) -> NDArray[np.int8]:
    """The outcomes in rows where something is fixed, not finite, 0 or outside its range.

    `codes` has what each element is if none of that applies to it.
    """
    y, truth = batch.y, batch.truth
    r = truth.rounded
    equal = y == r
    nothing = np.isnan(y) & np.isnan(r)
    as_asked = equal | nothing | is_one_of_several(y, r)
    found = _first_of(
        [
            (truth.fixed & as_asked, Outcome.CORRECTLY_ROUNDED),
            (truth.fixed, Outcome.WRONG_SPECIAL),
            ((equal & np.isinf(r)) | nothing, Outcome.CORRECTLY_ROUNDED),
            ((y < operation.least) | (y > operation.most), Outcome.OUT_OF_RANGE),
            (equal & (r == 0) & (truth.offset != 0), Outcome.INHERENT_UNDERFLOW),
            (equal, Outcome.CORRECTLY_ROUNDED),
        ],
        codes,
    )
    zero = (y == 0) & (codes == Outcome.INACCURATE.code)  # near enough to 0, 0 is accurate
    lost = ~truth.fixed & ~equal & ~nothing & (~np.isfinite(y) | zero)
    return _lost(batch, lost, found, operation) if lost.any() else found


def _lost(
    batch: Batch, lost: NDArray[Any], codes: NDArray[np.int8], operation: Operation
) -> NDArray[np.int8]:
    """The outcomes with those of the elements that are `lost`: not finite, or 0 wrongly."""
    y, format = batch.y, batch.truth.format
    total = replay_sum(batch.x, format) if batch.whole is None else batch.whole.naive_sum()
    zero, infinite = lost & (y == 0), lost & (y != 0)
    r = batch.truth.rounded
    at_end = (np.abs(r) == format.largest) & (np.isnan(y) | (np.sign(y) == np.sign(r)))
    known = operation.degenerate
    hidden = known is not None and known.of_infinite_sum == 0 and _is_of_overflow(batch, total)
    logarithm_of_0 = infinite & (known is not None and y == known.of_lost_weight)
    surely = logarithm_of_0 & _is_of_finite_sum(batch, total, operation)
    return _first_of(
        [
            (infinite & at_end, Outcome.OVERFLOW),
            (surely, Outcome.SPURIOUS_UNDERFLOW),
            (infinite & np.isinf(total), Outcome.OVERFLOW),
            (
                infinite & (total == 0) & (np.isnan(y) | logarithm_of_0),
                Outcome.DENOMINATOR_UNDERFLOW,
            ),
            (logarithm_of_0, Outcome.SPURIOUS_UNDERFLOW),
            (infinite & np.isinf(y), Outcome.OVERFLOW),  # of something behind the exponentials
            (infinite, Outcome.NAN),
            (zero & hidden, Outcome.OVERFLOW),
            (
                # Also what is rounded up to the smallest normal number.
                zero & (np.abs(batch.z) < format.smallest_normal),
                Outcome.FLUSHED_SUBNORMAL,
            ),
            (zero, Outcome.SPURIOUS_UNDERFLOW),
        ],
        codes,
    )


def _is_of_finite_sum(
    batch: Batch, total: NDArray[np.float64], operation: Operation
) -> NDArray[np.bool_]:
    """In which rows results were lost behind a sum that is neither 0 nor infinite, shape (rows, 1).

    Where it is either, no result of the row is a number. And the logarithm of an infinite sum is
    not that of 0, where the signs of the two tell them apart.
    """
    found = row_any(np.isfinite(batch.y) & ~batch.truth.fixed)[:, None]
    known = operation.degenerate
    if known is not None and known.of_infinite_sum != known.of_lost_weight:
        found |= total != 0
    return np.asarray(found)


def _is_of_overflow(batch: Batch, total: NDArray[np.float64]) -> NDArray[np.bool_]:
    """In which rows 0 comes of an infinite sum, shape (rows, 1): the naive or the shifted one."""
    if batch.whole is not None:
        return batch.whole.is_of_overflow()
    with np.errstate(invalid="ignore"):
        largest = np.max(np.where(np.isfinite(batch.y), np.abs(batch.y), np.inf), axis=-1)[:, None]
    shifted = replay_sum(_shifted(batch.x), batch.truth.format)
    return overflowed(largest, batch.top[:, None], shifted, total, batch.truth.format)


def overflowed(
    largest: NDArray[np.float64],
    top: NDArray[np.float64],
    shifted: NDArray[np.float64],
    total: NDArray[np.float64],
    format: Format,
) -> NDArray[np.bool_]:
    """Whether 0 comes of an infinite sum, from what is known of each row, shape (rows, 1).

    The replay shows it in a row of zeros if no exponential is infinite, which would give NaN there,
    but the sum is; and in a row that holds infinity or NaN.

    Parameters
    ----------
    largest : ndarray
        The largest size of an output, infinite where one is no number.
    top : ndarray
        The largest logit.
    shifted, total : ndarray
        `replay_sum` of the logits less the largest, and of the logits.
    """
    with np.errstate(invalid="ignore"):
        highest = replay_sum(top, format)
    is_shifted = np.isinf(shifted)
    only_sum = is_shifted | (np.isinf(total) & np.isfinite(highest))
    return np.asarray(
        np.where(largest == 0, only_sum, np.isinf(largest) & (is_shifted | np.isinf(total)))
    )


def _first_of(
    cases: list[tuple[NDArray[Any], Outcome]], codes: NDArray[np.int8]
) -> NDArray[np.int8]:
    """For each element the first outcome whose condition holds; the one in `codes` where none."""
    codes = codes.copy()
    for condition, outcome in reversed(cases):  # three times as fast as numpy.select
        np.copyto(codes, outcome.code, where=condition)
    return codes
