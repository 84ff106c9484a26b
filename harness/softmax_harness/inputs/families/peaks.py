"""One high entry at each place of the row in turn, which finds kernels that skip a place."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.formats import Format
from softmax_harness.inputs.families.family import Family, Sampling

_BUMP = 9.0
_VECTOR = 16
_FEWER, _LONG = 1000, 4000
_OF_ONE_ROW = range((1 << 15) + 2, 1 << 18)  # many lengths; beyond, this is the only family
_ALL_PLACES = (*range(1, 34), 64, 100, 129, 257)


def places(n: int, rows: int) -> NDArray[np.int64]:
    """Where each row has its high entry: every place from the end on, as far as the rows go.

    Of a longer row the last places, where a remainder after whole vectors stands, and for the
    other half of the rows places spread over all of it.
    """
    if n <= rows:
        return n - 1 - np.arange(rows) % n
    last = n - 1 - np.arange(rows - rows // 2)
    return np.concatenate([last, np.linspace(0, n - 1, rows // 2).astype(np.int64)])


def _peaks(format: Format, n: int, rows: int, rng: np.random.Generator) -> NDArray[Any]:
    """Two rows for each place: a maximum must not miss the one, nor a sum the other.

    In long rows, of which there are few, the sum must miss none of several places. A single row is
    for the sum if its length is one of whole vectors, else for the maximum, so that a tail that it
    leaves out shows.
    """
    x = rng.normal(0.0, 1.0, (rows, n))
    at = np.repeat(places(n, (rows + 1) // 2), 2)[:rows]
    begins_with_sum = rows == 1 and n % _VECTOR == 0
    is_for_sum = (np.arange(rows) + begins_with_sum) % 2 == 1
    heights = np.where(is_for_sum, _BUMP, 1.5 * math.log(format.largest))
    if n >= _LONG:
        x[np.ix_(is_for_sum, _seams(n))] = _BUMP
    x[np.arange(rows), at] = heights
    return x


def _seams(n: int) -> NDArray[np.int64]:
    """The first and the last place of each eighth of a row, between which parts of a sum meet."""
    ends = np.arange(1, 9) * n // 8
    return np.concatenate([ends - n // 8, ends - 1])


def _rows(n: int) -> int:
    """A few at each length; at some lengths two for every place."""
    if n in _ALL_PLACES:
        return 2 * n
    if n < _LONG:
        return 12 if n < _FEWER else 6
    return 1 if n in _OF_ONE_ROW else 2


FAMILIES = (
    Family(
        "peaks",
        "one high entry at each place in turn: past exp's overflow, or well above the others",
        _peaks,
        suite="check",
        check=Sampling(at_every_length=_rows),
        by_place=True,
    ),
)
