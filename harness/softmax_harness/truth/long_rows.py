"""Long rows: the screen rounds nearly all elements, mpmath decides the others one by one."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.formats import Format
from softmax_harness.operations import Enclosure, Operands, Operation, long_sums, softmax
from softmax_harness.operations.enclosure import Array
from softmax_harness.operations.long_sums import Rest, rest_of_row
from softmax_harness.operations.screen import full
from softmax_harness.operations.screen.long import screen_row
from softmax_harness.operations.truth import Truth
from softmax_harness.truth.rounding import MOST_BITS, NotDecided, decide

_FIRST_BITS_BEYOND_THE_FORMAT = 64
_AS_KNOWN = 128  # bits up to which a row's sum is taken as the kernels know it
_ROUNDINGS = 48  # bits that an enclosure, as of a long sum, lacks where nothing has cancelled


def is_long(operation: Operation, n: int) -> bool:
    """Whether rows of n logits are long ones, each element of which can be judged alone."""
    return operation.enclose_elements is not None and long_sums.is_long(n)


def error_ulp_of(operation: Operation, n: int, format: Format) -> float:
    """What the offsets that `write_row` gives may err by, in ulp; 0 for rows that are not long."""
    if not is_long(operation, n):
        return 0.0
    if operation.is_softmax_of_effective_logits:
        return float(full.RELATIVE_ERROR * 2.0**format.precision)
    assert operation.screen is not None
    few = np.zeros((1, 2))
    return operation.screen(few, (), few != 0.0, few, format).error_ulp


class LongRow:
    """A row whose elements mpmath judges one by one; its sum is computed once.

    Parameters
    ----------
    operation : Operation
        One of which `is_long` may be true.
    x : ndarray, shape (n,)
        Effective logits, in any format up to float64, one of them finite and none NaN or +inf.
    let_go : callable
        As `rest_of_row` takes it.
    """

    def __init__(
        self, operation: Operation, x: NDArray[Any], let_go: Callable[[], None] = lambda: None
    ) -> None:
        self.operation, self.logits, self._let_go = operation, x, let_go
        self._decided: dict[Format, _Decided] = {}

    @cached_property
    def rest(self) -> Rest:
        """The sum."""
        return rest_of_row(self.logits, self._let_go)

    def enclosures(self, values: Array, precision: int) -> list[Enclosure]:
        """Of some of its values; to more bits than the sum is known to, by mpmath alone."""
        enclose = self.operation.enclose_elements
        if precision <= _AS_KNOWN and enclose is not None:
            return enclose(self.rest, values.tolist(), precision)
        found = self._all_enclosures(precision)
        return [found[place] for place in np.searchsorted(self._distinct.values, values).tolist()]

    def results(self, wanted: Array, format: Format) -> tuple[Array, Array, Array]:
        """The exact results of some of its finite logits, shape (some,), as `Truth` has them."""
        values, place = np.unique(wanted, return_inverse=True)
        found = np.full((len(values), 3), np.nan)
        precision = format.precision + _FIRST_BITS_BEYOND_THE_FORMAT
        while precision <= _AS_KNOWN and (left := _undecided(found)).size:
            _fill(found, left, self.enclosures(values[left], precision), format)
            precision *= 2
        if (left := _undecided(found)).size:
            found[left] = self._in_full(values[left], format, precision)
        found = found[place]
        return found[:, 0], found[:, 1], np.ldexp(1.0, found[:, 2].astype(np.int32))

    def _in_full(self, wanted: Array, format: Format, precision: int) -> Array:
        """What some of its values give, decided by mpmath alone, from a precision on.

        The sum needs the exponential of every logit, after which the others cost little: what is
        decided on the way is kept for whoever asks next.
        """
        own = self._distinct.values
        at_first = _Decided(np.full((len(own), 3), np.nan), precision)
        known, places = self._decided.setdefault(format, at_first), np.searchsorted(own, wanted)
        while _undecided(known.results[places]).size:
            if known.precision > MOST_BITS:
                raise NotDecided(self.operation.name, f"a row of {len(self.logits)} logits")
            left, found = _undecided(known.results), self._all_enclosures(known.precision)
            _fill(known.results, left, [found[index] for index in left.tolist()], format)
            known.precision *= 2
        return known.results[places]

    @cached_property
    def _distinct(self) -> _Distinct:
        finite = self.logits[np.isfinite(self.logits)].astype(np.float64)
        return _Distinct(*np.unique(finite, return_index=True, return_counts=True), finite)

    def _all_enclosures(self, precision: int) -> list[Enclosure]:
        """Of each distinct value, ascending."""
        values, first, counts, finite = self._distinct
        if self.operation.is_softmax_of_effective_logits:
            return softmax.enclose(values, counts, precision)
        all_of_them = self.operation.enclose(finite, (), precision)
        return [cast(Enclosure, all_of_them[place]) for place in first.tolist()]


class _Distinct(NamedTuple):
    """The finite logits of a row: each once, where it is first, how often; and all of them."""

    values: Array
    first: NDArray[np.int64]
    counts: NDArray[np.int64]
    finite: Array


@dataclass
class _Decided:
    """What the distinct values of a row give: RN(z), remainder, log2 ulp(z), NaN where open.

    Attributes
    ----------
    results : ndarray of float64, shape (values, 3)
    precision : int
        By which to go on.
    """

    results: Array
    precision: int


def _undecided(results: Array) -> NDArray[np.int64]:
    return np.flatnonzero(np.isnan(results[:, 2]))


def _fill(
    results: Array, places: NDArray[np.int64], enclosures: Sequence[Enclosure], format: Format
) -> None:
    """Write what enclosures decide."""
    for place, each in zip(places.tolist(), enclosures, strict=True):
        if (decided := decide(each, format)) is not None:
            results[place] = decided


def enclosing(
    operation: Operation, x: Array, operands: Operands, bits: int
) -> Callable[[int], Enclosure]:
    """What encloses the result at an index of a row, shape (n,), where no policy fixes it.

    Relative to itself: where a result cancels, it is asked for with more bits.
    """
    if is_long(operation, len(x)):
        logits = operation.effective_logits(x, operands)
        row = LongRow(operation, logits)

        def enclosed(index: int, precision: int) -> Enclosure:
            return row.enclosures(logits[[index]], precision)[0]

    else:

        @cache
        def all_at_once(precision: int) -> Sequence[Enclosure | None]:
            return operation.enclose(x, operands, precision)

        def enclosed(index: int, precision: int) -> Enclosure:
            return cast(Enclosure, all_at_once(precision)[index])

    def narrowed(index: int) -> Enclosure:
        precision = bits
        while True:
            found = enclosed(index, precision)
            if _relative_bits(found) > bits - _ROUNDINGS or precision >= MOST_BITS:
                return found
            precision *= 2

    return narrowed


def _relative_bits(enclosure: Enclosure) -> float:
    if not enclosure.slack:
        return math.inf
    return abs(enclosure.man).bit_length() - enclosure.slack.bit_length()


def write_row(truth: Truth, row: int, operation: Operation, x: Array) -> bool:
    """Write the exact results of a row of effective logits, shape (n,), -inf where masked.

    What the screen decides is right, its offset within its bound. False where it leaves the row
    open and does not tell which elements.
    """
    own = np.isfinite(x)
    whole = truth.block(slice(row, row + 1), slice(None))
    here = whole if own.all() else truth.rows(np.array([row]))
    if operation.is_softmax_of_effective_logits:
        open_ = screen_row(x[None], here, full, None, full.RELATIVE_ERROR)
        open_ = open_[own[open_]]
        if open_.size:
            found = LongRow(operation, x).results(x[open_], truth.format)
            for array, results in zip((here.rounded, here.offset, here.ulp), found, strict=True):
                array[0, open_] = results
    else:
        assert operation.screen is not None
        expected = here.rounded.copy()
        screened = operation.screen(x[None], (), here.fixed, expected, truth.format)
        if screened.undecided[0]:
            return False
        here = screened.truth
    if here is not whole:  # what is masked stays as it was
        whole.rounded[0, own], whole.offset[0, own] = here.rounded[0, own], here.offset[0, own]
        whole.ulp[0, own] = here.ulp[0, own]
    return True
