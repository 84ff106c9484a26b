"""Masks of -inf, and rows with +inf or NaN."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.formats import Format
from softmax_harness.inputs.families.family import Family, Make, Sampling

# Where terms are of many sizes, sums in float32 lose small ones, of longer rows in 16 lanes too, as
# libraries add: at a scale of 3 torch exceeds what a sum in pairs may in one of 16 rows of 65537.
_LONGEST_OF_MANY_SIZES = 10_000
_CHUNK = 1 << 16  # of a long row, as kernels merge them


def _normal(rng: np.random.Generator, rows: int, n: int) -> NDArray[np.float64]:
    return rng.normal(0.0, 3.0 if n <= _LONGEST_OF_MANY_SIZES else 1.0, (rows, n))


def _masked(format: Format, n: int, rows: int, rng: np.random.Generator) -> NDArray[Any]:
    x = _normal(rng, rows, n)
    return np.where(rng.random((rows, n)) < 0.3, -np.inf, x)


def _masked_blocks(format: Format, n: int, rows: int, rng: np.random.Generator) -> NDArray[Any]:
    x, place, kind = _normal(rng, rows, n), np.arange(n), np.arange(rows)[:, None] % 4
    few, none = rng.integers(n // 4, n, (rows, 3)), np.zeros((rows, n), bool)
    seen = np.choose(kind, (place >= 3 * n // 4, place <= n // 4, none, none))
    np.put_along_axis(seen, few, kind == 2, axis=-1)
    seen |= (place == n - 1) & (kind != 1)
    if n > _CHUNK:
        seen[:1] = place // _CHUNK != 1
    return np.where(seen, x, -np.inf)


def _one(special: float) -> Make:
    """Normal rows with one special value each, but for every third row.

    The first of them has it at the end: what is left behind whole vectors has a loop of its own.
    """

    def make(format: Format, n: int, rows: int, rng: np.random.Generator) -> NDArray[Any]:
        x = _normal(rng, rows, n)
        chosen = np.flatnonzero(np.arange(1, rows + 1) % 3)
        place = rng.integers(0, n, len(chosen))
        place[:1] = n - 1
        x[chosen, place] = special
        return x

    return make


def _all_masked(format: Format, n: int, rows: int, rng: np.random.Generator) -> NDArray[Any]:
    x = _normal(rng, rows, n)
    x[::2] = -np.inf
    return x


def _nan_at_each_place(format: Format, n: int, rows: int, rng: np.random.Generator) -> NDArray[Any]:
    x = _normal(rng, rows, n)
    own = np.arange(rows)
    # The NaN that x86 makes has its sign bit set: compared as an integer it is below all numbers.
    x[own, own % n] = np.where(own % 2 == 0, np.nan, -np.nan)
    return x


_LONG = Sampling(more_rows=((32_769, 1),))
_LENGTHS_OF_PLACES = (*range(2, 34), 64, 100)


def _places(n: int) -> int:
    """A row for each place, where rows are short enough for a kernel to treat places apart."""
    return n if n in _LENGTHS_OF_PLACES else 0


FAMILIES = (
    Family("masked", "-inf among finite values, as attention masks have", _masked, check=_LONG),
    Family(
        "masked-blocks",
        "-inf but at one end, for a few entries or the last, or in a whole chunk",
        _masked_blocks,
        suite="check",
        check=Sampling(more_rows=((16_385, 4), (151_936, 1))),
        by_place=True,
    ),
    Family(
        "all-masked",
        "rows of nothing but -inf beside ordinary ones",
        _all_masked,
        check=_LONG,
        by_place=True,
    ),
    Family(
        "positive-infinity",
        "rows with a +inf beside ordinary ones",
        _one(np.inf),
        check=_LONG,
        by_place=True,
    ),
    Family(
        "nan-in-row",
        "rows with a NaN beside ordinary ones, which it must not reach",
        _one(np.nan),
        check=_LONG,
        by_place=True,
    ),
    Family(
        "nan-at-each-place",
        "a NaN at each place in turn: a maximum that compares may pass over it",
        _nan_at_each_place,
        lengths=_LENGTHS_OF_PLACES,
        suite="standard",
        check=Sampling(at_every_length=_places),
        by_place=True,
    ),
)
