"""The domains: which rows they hold, in which order, and how they are cut into units."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.errors import BadData, unknown
from softmax_harness.ground.formats import Format
from softmax_harness.operations import Operation

Array = NDArray[np.float64]

KINDS = PAIRS, TRIPLES, DIFFERENCES = "pairs", "triples", "differences"
_MOST_ROWS = 1 << 33
# Some seconds each: what is judged by its difference is judged in a hundredth of the time.
_ROWS_PER_UNIT, _SLOW_ROWS_PER_UNIT = 1 << 25, 1 << 20
_LEAST_PRECISION = 8  # of bfloat16
_ROWS_PER_LINE = 1 << 16  # as many numbers as a format of 16 bits has


@dataclass(frozen=True)
class Numbers:
    """All finite numbers of a format in ascending order, -0 before 0, by their places.

    Attributes
    ----------
    format : Format
    """

    format: Format

    @property
    def _non_negative(self) -> int:
        """How many there are from 0 up: binades of 2**(p-1) each, that of 0 among them."""
        format = self.format
        binades = format.emax - format.emin + 2
        return (binades << (format.precision - 1)) - format.reserved

    @property
    def _negative(self) -> int:
        """How many stand before 0: as many, but for -0 where the one NaN takes its place.

        That is so in formats without infinity of which no significand is reserved for NaN.
        """
        lacks_zero = not self.format.has_infinity and not self.format.reserved
        return self._non_negative - lacks_zero

    @property
    def count(self) -> int:
        """How many there are."""
        return self._negative + self._non_negative

    def at(self, start: int, stop: int) -> NDArray[Any]:
        """Those at some places, in the type of the format."""
        place, bits = np.arange(start, stop, dtype=np.int64), 8 * self.format.dtype.itemsize
        is_negative = place < self._negative
        sign = np.int64(1) << (bits - 1)
        magnitude = np.where(is_negative, self._non_negative - 1 - place, place - self._negative)
        words = np.where(is_negative, magnitude + sign, magnitude)
        return words.astype(np.dtype(f"u{bits // 8}")).view(self.format.dtype)


@dataclass(frozen=True)
class Domain:
    """Rows of one kind in one format, in order.

    A line is what one first number has: rows in which only the last number changes, ascending.

    Attributes
    ----------
    kind : str
        ``pairs`` are all ordered pairs of finite numbers, ``triples`` all ordered triples,
        ``differences`` all rows [0, d] with d finite.
    format : Format
    """

    kind: str
    format: Format

    @property
    def n(self) -> int:
        """The length of a row."""
        return 3 if self.kind == TRIPLES else 2

    @property
    def numbers(self) -> Numbers:
        """The numbers of the format."""
        return Numbers(self.format)

    @property
    def rows(self) -> int:
        """How many rows there are."""
        count = self.numbers.count
        return count if self.kind == DIFFERENCES else int(count**self.n)

    @property
    def lines(self) -> int:
        """How many lines there are."""
        count = self.numbers.count
        if self.kind == DIFFERENCES:
            return -(-count // _ROWS_PER_LINE)
        return int(count ** (self.n - 1))

    @property
    def has_exact_differences(self) -> bool:
        """Whether the difference of two numbers of a row is always a float64."""
        format = self.format
        return self.kind == DIFFERENCES or format.emax + 2 - format.spacing_exponent <= 53

    @property
    def is_by_difference(self) -> bool:
        """Whether there are so many rows of two that they are judged by their difference."""
        return self.n == 2 and self.format.precision >= _LEAST_PRECISION

    @property
    def units(self) -> list[tuple[int, int]]:
        """The first line of each unit, and the line after its last."""
        per_line = -(-self.rows // self.lines)
        most = _ROWS_PER_UNIT if self.is_by_difference else _SLOW_ROWS_PER_UNIT
        size = max(most // per_line, 1)
        starts = range(0, self.lines, size)
        return [(start, min(start + size, self.lines)) for start in starts]

    def firsts(self, line: int) -> Array:
        """The numbers of a line before the last one, as float64."""
        if self.kind == DIFFERENCES:
            return np.zeros(1)
        count, places = self.numbers.count, []
        for _ in range(self.n - 1):
            line, place = divmod(line, count)
            places.append(place)
        found = [self.numbers.at(place, place + 1).astype(np.float64) for place in reversed(places)]
        return np.concatenate(found)

    def like(self, line: int) -> int:
        """The first line that has the same last numbers."""
        return line if self.kind == DIFFERENCES else 0

    def lasts(self, line: int) -> NDArray[Any]:
        """The last numbers of a line, ascending, in the type of the format."""
        if self.kind != DIFFERENCES:
            return self.numbers.at(0, self.numbers.count)
        start = line * _ROWS_PER_LINE
        return self.numbers.at(start, min(start + _ROWS_PER_LINE, self.numbers.count))


def default_kind(format: Format) -> str:
    """What is exhausted where nothing is asked for: pairs as far as these can be counted."""
    return PAIRS if format.is_narrow else DIFFERENCES


def domain_of(kind: str | None, format: Format, operation: Operation) -> Domain:
    """The domain of that kind.

    Raises
    ------
    UnknownName, BadData
        If there is no such kind, or it has too many rows, or cannot be judged.
    """
    kind = kind or default_kind(format)
    if kind not in KINDS:
        raise unknown("domain", kind, KINDS)
    if operation.operands or not operation.has_axis:
        raise BadData(
            f"{operation.name} takes more than logits, of which not all can be tried: expected an "
            "operation of logits alone, such as softmax"
        )
    domain = Domain(kind, format)
    if domain.rows > _MOST_ROWS:
        smaller = DIFFERENCES if format.precision <= 24 else "a narrower dtype"
        raise BadData(
            f"{kind} of {format.name} are {float(domain.rows):.2g} rows: expected at most "
            f"{float(_MOST_ROWS):.2g}; take {smaller}"
        )
    own = operation.of_difference
    if domain.is_by_difference and (own is None or (kind == PAIRS and not own.of_any_pair)):
        raise BadData(
            f"{operation.name} of all {kind} of {format.name} cannot be judged in reasonable time: "
            f"expected a float8 dtype, or softmax, or log_softmax with --inputs {DIFFERENCES}"
        )
    return domain
