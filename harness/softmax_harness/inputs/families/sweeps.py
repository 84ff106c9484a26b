"""All of exp's domain, densely: a wrong window of it shows wherever max x - x falls into it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.formats import Format
from softmax_harness.inputs.families.family import Family

_ROW = 513
_IN_ROWS = 1 << 17  # so that each window of 2**-16 of the domain holds at least one
_PAIRS = 1 << 16
_STEPS = 1 << 14
_NEAR = 10_240
_TABLE = 128
_OCTAVES = 12
_TIES = 256
_FAR = 128
_ALIKE, _FARTHEST_ALIKE = 256, 4.0


def domain(format: Format) -> float:
    """Up to this max x - x the result can be other than 0."""
    return math.log(2.0) - math.log(format.smallest_subnormal)


def _distances(format: Format, count: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """One at random in each of `count` equal parts of the domain."""
    return domain(format) * (np.arange(count) + rng.random(count)) / count


def _pairs(format: Format, n: int, rows: int, rng: np.random.Generator) -> NDArray[Any]:
    return _paired(_distances(format, rows, rng))


def _paired(distances: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rows of 0 and minus a distance, the larger one first in every other row."""
    x = np.zeros((len(distances), 2))
    rows = np.arange(len(distances))
    x[rows, 1 - rows % 2] = -distances
    return x


def _rows(format: Format, n: int, rows: int, rng: np.random.Generator) -> NDArray[Any]:
    """Distances dealt out to longer rows, which kernels take by whole vectors."""
    x = np.zeros((rows, n))
    distances = _distances(format, rows * (n - 1), rng)
    x[:, 1:] = -distances.reshape(n - 1, rows).T
    top = np.arange(rows) % n
    x[np.arange(rows), 0] = x[np.arange(rows), top]
    x[np.arange(rows), top] = 0.0
    return x


def _steps(format: Format, n: int, rows: int, rng: np.random.Generator) -> NDArray[Any]:
    """Distances at which exp changes its way of working, and the floats on either side."""
    ln2, end = math.log(2.0), domain(format)
    octaves = math.floor(end / ln2)
    fixed = np.concatenate(
        [
            (np.arange(octaves) + 0.5) * ln2,  # where the nearest multiple of ln 2 changes
            np.arange(octaves) * ln2,
            2.0 ** np.arange(-30, math.log2(end)),
            [math.log(format.largest), -math.log(format.smallest_normal), end, end - ln2],
        ]
    )
    # Steps of tables of 2**(j / parts), all of the first octaves and some of the others.
    parts = _TABLE * np.arange(min(octaves, _OCTAVES))[:, None] + np.arange(_TABLE)
    others = rng.integers(0, octaves * _TABLE, max(rows // 3 - fixed.size - parts.size, 0))
    edges = np.concatenate([fixed, parts.ravel() * (ln2 / _TABLE), others * (ln2 / _TABLE)])
    at = edges.astype(format.dtype)
    bits = at.view(f"i{at.dtype.itemsize}")
    around = np.stack([(bits + step).view(at.dtype) for step in (-1, 0, 1)], axis=-1)
    return _paired(np.resize(np.nan_to_num(around.astype(np.float64)).ravel(), rows))


def _far(format: Format, n: int, rows: int, rng: np.random.Generator) -> NDArray[Any]:
    """Distances beyond exp's domain, where the result is 0, up to the largest of the format."""
    low, high = math.log(domain(format)), math.log(format.largest)
    return _paired(np.exp(rng.uniform(low, high, rows)))


def _near_ties(format: Format, n: int, rows: int, rng: np.random.Generator) -> NDArray[Any]:
    """z = 1/2 + d/4 - d**3/48 ... within d**3/48 of the middle between two numbers.

    Above 1/2 the middles are odd multiples of u/2 = 2**-(p+1) away from it, so d is an odd multiple
    of 2u; below, z = 1/2 - d/4 + ..., of u. A result worked in a wider type is the middle itself
    there, and is rounded a second time without knowing on which side z lies.
    """
    odd = 2.0 * np.arange(rows) + 1.0
    steps = np.where(np.arange(rows) % 4 < 2, 2.0, 1.0) * format.unit_roundoff
    return _paired(odd * steps)


def _near(format: Format, n: int, rows: int, rng: np.random.Generator) -> NDArray[Any]:
    """Two logits somewhere in each row, the rest masked."""
    x = np.full((rows, n), -np.inf)
    pairs = _paired(rng.uniform(0.0, 1.0, rows))
    x[np.arange(rows)[:, None], np.argsort(rng.random((rows, n)), axis=-1)[:, :2]] = pairs
    return x


def _alike(format: Format, n: int, rows: int, rng: np.random.Generator) -> NDArray[Any]:
    """One logit, and all others the same distance below it, from 0 to four."""
    distances = _FARTHEST_ALIKE * (np.arange(rows) + rng.random(rows)) / rows
    x = np.repeat(-distances[:, None], n, axis=-1)
    x[np.arange(rows), np.arange(rows) % n] = 0.0
    return x


FAMILIES = (
    Family(
        "sweep-pairs",
        "rows of two: max x - x in every window of 2**-16 of exp's domain",
        _pairs,
        lengths=(2,),
        rows=_PAIRS,
        suite="check",
    ),
    Family(
        "sweep-rows",
        "long rows: max x - x in every window of 2**-17 of exp's domain",
        _rows,
        lengths=(_ROW,),
        rows=_IN_ROWS // (_ROW - 1),
        suite="check",
    ),
    Family(
        "steps",
        "max x - x at table steps, powers of two and thresholds of exp, and one float next to them",
        _steps,
        lengths=(2,),
        rows=_STEPS,
        suite="check",
    ),
    Family(
        "near-pairs",
        "two logits at most 1 apart, alone or among masked ones: honest kernels have no bias there",
        _near,
        lengths=(2, 11),
        rows=_NEAR,
        suite="check",
        is_unbiased=True,
    ),
    Family(
        "sweep-alike",
        "one logit, the others all as far below: of their exponentials no error meets another",
        _alike,
        lengths=(3, 9),
        rows=_ALIKE,
        suite="check",
    ),
    Family(
        "near-ties",
        "results next to the middle between two numbers: rounding twice goes wrong",
        _near_ties,
        lengths=(2,),
        rows=_TIES,
        suite="check",
    ),
    Family(
        "far-pairs",
        "max x - x beyond exp's domain, near and far: the result must be 0",
        _far,
        lengths=(2,),
        rows=_FAR,
        suite="check",
    ),
)
