"""Rows of two logits of which one stays: the parts of a line, and some elements of a part."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from softmax_harness.operations.screen.difference import Side
from softmax_harness.studies.exhaustive.side import Array, JudgedSide, Places


class Row(NamedTuple):
    """A row by its two logits and results, and which of these is meant."""

    x: tuple[float, float]
    y: tuple[float, float]
    element: int


@dataclass(frozen=True)
class Line:
    """Rows [first, second] in which the first number stays and the second one rises.

    Attributes
    ----------
    first : float
    seconds : ndarray of float64, ascending
    y : tuple of ndarray of float64
        The results at the first and at the second number.
    terms : ndarray of float64
        exp(second) as the format holds it.
    first_term : float
        The same of the first number.
    """

    first: float
    seconds: Array
    y: tuple[Array, Array]
    terms: Array
    first_term: float

    def parts(self, far: float) -> Iterator[Part]:
        """The parts in which one side is larger, what is beyond the difference `far` apart."""
        low = int(np.searchsorted(self.seconds, self.first, "left"))
        high = int(np.searchsorted(self.seconds, self.first, "right"))
        ends = np.searchsorted(self.seconds, [self.first - far, self.first + far], "right")
        below, above = (int(end) for end in ends)
        for top, start, stop in (
            (0, 0, min(below, low)),
            (0, min(below, low), low),
            (1, high, max(above, high)),
            (1, max(above, high), self.seconds.size),
        ):
            if stop > start:
                yield Part(self, slice(start, stop), top)

    @property
    def equal(self) -> Iterator[Row]:
        """The rows of equal logits."""
        low = int(np.searchsorted(self.seconds, self.first, "left"))
        high = int(np.searchsorted(self.seconds, self.first, "right"))
        return (self.row(place, 0) for place in range(low, high))

    def row(self, place: int, index: int) -> Row:
        """A row, of which an element is meant."""
        x = (self.first, float(self.seconds[place]))
        return Row(x, (float(self.y[0][place]), float(self.y[1][place])), index)


@dataclass(frozen=True)
class Part:
    """A part of a line: on one side are the larger logits of all of its rows.

    Attributes
    ----------
    line : Line
    within : slice
        Its rows.
    top : int
        The larger of the two logits, 0 or 1.
    """

    line: Line
    within: slice
    top: int

    @property
    def size(self) -> int:
        """How many rows it has."""
        return int(self.within.stop - self.within.start)

    @cached_property
    def distance(self) -> Array:
        """By how much the logits differ."""
        return np.asarray(np.abs(self.line.first - self.line.seconds[self.within]))

    def y(self, side: int) -> Array:
        """The results at the larger logits (0), or at the smaller ones (1)."""
        return self.line.y[self.column(side)][self.within]

    def column(self, side: int) -> int:
        """Where the logits of a side stand in their rows."""
        return self.top if side == 0 else 1 - self.top

    def row(self, place: int, side: int) -> Row:
        """A row, of which the element on a side is meant."""
        return self.line.row(self.within.start + place, self.column(side))

    def x(self, places: Places) -> Array:
        """The logits of some rows, shape (rows, 2)."""
        seconds = self.line.seconds[self.within][places]
        return np.stack([np.full(seconds.shape, self.line.first), seconds], axis=-1)

    def terms(self, places: Places) -> tuple[Array, Array]:
        """The sum and the larger of the exponentials of some rows, as the format holds these."""
        seconds = self.line.terms[self.within][places]
        return seconds + self.line.first_term, np.maximum(seconds, self.line.first_term)


class Some(NamedTuple):
    """Some elements on one side of a part.

    Attributes
    ----------
    part : Part
    side : int
    places : ndarray of int
        Which rows.
    y, z, ulp, error, distance : ndarray of float64
        Of each element: the result, the exact one, its ulp, the error in ulp, and by how much its
        logit lies below the larger one.
    """

    part: Part
    side: int
    places: Places
    y: Array
    z: Array
    ulp: Array
    error: Array
    distance: Array

    @classmethod
    def of(cls, part: Part, side: int, about: Side, judged: JudgedSide, places: Places) -> Some:
        """Some elements with what is known of them."""
        z = _of(about.base, places) + about.rest[places]
        ulp = np.broadcast_to(1.0 / _of(about.per_ulp, places), z.shape)
        below = part.distance[places] if side else np.zeros(z.shape)
        return cls(part, side, places, part.y(side)[places], z, ulp, judged.error[places], below)

    def rows(self, chosen: Places | NDArray[np.bool_]) -> Iterator[Row]:
        """The rows of some of them."""
        return (self.part.row(place, self.side) for place in self.places[chosen].tolist())


def _of(values: float | Array, places: Places) -> float | Array:
    return values[places] if isinstance(values, np.ndarray) else values
