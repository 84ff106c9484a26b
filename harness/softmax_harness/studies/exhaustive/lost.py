"""Elements that are lost: not finite, or 0 where the exact result is far from it.

They may be half of all. What became of one depends on little, see `Alike`: those that are alike are
counted, and two of them are judged, the first and the last.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.errors import ScreenIsWrong
from softmax_harness.ground.formats import Format
from softmax_harness.judgement.outcomes import OUTCOMES
from softmax_harness.studies.exhaustive.line import Row, Some
from softmax_harness.studies.exhaustive.side import Array, Places

Codes = Callable[[list[Row]], list[int]]
"""``codes(rows)``: the outcome of the element that is meant of each row."""


class Alike(NamedTuple):
    """What the outcome of a lost element depends on.

    Attributes
    ----------
    kind, other : int
        0 for NaN, 1 for +inf, 2 for -inf, 3 for 0, 4 for any other number; of the element, and of
        the other one of its row.
    side : int
        0 where its logit is the larger one.
    is_infinite, is_zero : int
        1 where the sum of the exponentials is that in the format.
    is_top_infinite : int
        1 where the exponential of the larger logit is infinite.
    is_subnormal : int
        1 where the exact result is below the normal numbers.
    """

    kind: int
    other: int
    side: int
    is_infinite: int
    is_zero: int
    is_top_infinite: int
    is_subnormal: int


_SIZES = (5, 5, 2, 2, 2, 2, 2)


class Lost:
    """Counts lost elements by what they have in common."""

    def __init__(self, format: Format) -> None:
        self._format = format
        self._counts: dict[Alike, int] = {}
        self._examples: dict[Alike, tuple[Row, Row]] = {}

    def add(self, some: Some, places: Places) -> None:
        """Count some elements."""
        features = self._features(some, places)
        key = np.zeros(places.size, np.int64)
        for size, feature in zip(_SIZES, features, strict=True):
            key = key * size + feature
        counts = np.bincount(key)
        for value in np.flatnonzero(counts).tolist():
            same = key == value
            first, last = int(np.argmax(same)), places.size - 1 - int(np.argmax(same[::-1]))
            alike = Alike(*(int(feature[first]) for feature in features))
            self._counts[alike] = self._counts.get(alike, 0) + int(counts[value])
            begin, end = some.rows(places[[first, last]])
            self._examples[alike] = (self._examples.get(alike, (begin,))[0], end)

    def _features(self, some: Some, places: Places) -> tuple[NDArray[np.int64], ...]:
        chosen, format = some.places[places], self._format
        total, highest = some.part.terms(chosen)
        found = (
            _kind(some.y[places]),
            _kind(some.part.y(1 - some.side)[chosen]),
            np.full(places.size, some.side),
            total >= format.overflow_bound,
            total == 0.0,
            highest >= format.overflow_bound,
            np.abs(some.z[places]) < format.smallest_normal,
        )
        return tuple(np.asarray(feature, np.int64) for feature in found)

    def counts(self, codes: Codes) -> NDArray[np.int64]:
        """How many have each outcome, in the order of `OUTCOMES`.

        Raises
        ------
        ScreenIsWrong
            Where two that seem alike have different outcomes.
        """
        found = np.zeros(len(OUTCOMES), np.int64)
        for alike, count in self._counts.items():
            examples = list(self._examples[alike])
            known = set(codes(examples))
            if len(known) != 1:
                raise ScreenIsWrong(
                    f"two elements that seem alike have different outcomes, {examples}; please "
                    "report this"
                )
            found[known.pop()] += count
        return found


def _kind(y: Array) -> NDArray[np.int64]:
    found = np.full(y.shape, 4, np.int64)
    for code, is_kind in enumerate((np.isnan(y), np.isposinf(y), np.isneginf(y), y == 0.0)):
        found[is_kind] = code
    return found
