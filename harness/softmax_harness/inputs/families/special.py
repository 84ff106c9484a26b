"""Masks of -inf, and rows with +inf or NaN."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.formats import Format
from softmax_harness.inputs.families.family import Family, Make


def _masked(format: Format, n: int, rows: int, rng: np.random.Generator) -> NDArray[Any]:
    x = rng.normal(0.0, 3.0, (rows, n))
    return np.where(rng.random((rows, n)) < 0.3, -np.inf, x)


def _one(special: float) -> Make:
    """Normal rows with one special value each, every third row left as it is."""

    def make(format: Format, n: int, rows: int, rng: np.random.Generator) -> NDArray[Any]:
        x = rng.normal(0.0, 3.0, (rows, n))
        chosen = np.flatnonzero(np.arange(rows) % 3)
        x[chosen, rng.integers(0, n, len(chosen))] = special
        return x

    return make


def _all_masked(format: Format, n: int, rows: int, rng: np.random.Generator) -> NDArray[Any]:
    x = rng.normal(0.0, 3.0, (rows, n))
    x[::2] = -np.inf
    return x


FAMILIES = (
    Family("masked", "-inf among finite values, as attention masks have", _masked),
    Family("all-masked", "rows of nothing but -inf beside ordinary ones", _all_masked),
    Family("positive-infinity", "rows with a +inf beside ordinary ones", _one(np.inf)),
    Family(
        "nan-in-row", "rows with a NaN beside ordinary ones, which it must not reach", _one(np.nan)
    ),
)
