"""One high entry at each place of the row in turn: kernels that leave out a place are found there."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax_harness.families.family import Family, Make
from softmax_harness.formats import Format


def places(n: int, rows: int) -> NDArray[np.int64]:
    """Where each row has its high entry: every place from the end on, as far as the rows go.

    Of a longer row the last places, where a remainder after whole vectors stands, and for the
    other half of the rows places spread over all of it.
    """
    if n <= rows:
        return n - 1 - np.arange(rows) % n
    last = n - 1 - np.arange(rows - rows // 2)
    return np.concatenate([last, np.linspace(0, n - 1, rows // 2).astype(np.int64)])


def _high(height: float | None) -> Make:
    def make(format: Format, n: int, rows: int, rng: np.random.Generator) -> NDArray[Any]:
        x = rng.normal(0.0, 1.0, (rows, n))
        x[np.arange(rows), places(n, rows)] = height or 1.5 * math.log(format.largest)
        return x

    return make


FAMILIES = (
    Family(
        "peaks",
        "one entry past exp's overflow at each place: the maximum must not miss it",
        _high(None),
        suite="check",
    ),
    Family(
        "bumps",
        "one entry well above the others at each place: the sum must not miss it",
        _high(9.0),
        suite="check",
    ),
)
