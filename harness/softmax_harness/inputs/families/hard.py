"""Rows of every kind that breaks a kernel, one after another: for paths that few inputs take."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.formats import Format
from softmax_harness.inputs.families.family import Family, Sampling

Logits = NDArray[np.float64]
_MASKED = -np.inf


def _high(format: Format) -> float:
    """Well past exp's overflow."""
    return 1.5 * math.log(format.largest)


def _at(x: Logits, places: Any, value: float) -> Logits:
    x[places] = value
    return x


def _apart(x: Logits, rng: np.random.Generator, *values: float) -> Logits:
    """The values at places of their own, as many as there is room for."""
    places = rng.permutation(x.size)[: len(values)]
    for place, value in zip(places.tolist(), values, strict=False):
        x[place] = value
    return x


def _single(x: Logits, rng: np.random.Generator) -> Logits:
    kept = rng.integers(x.size)
    return np.where(np.arange(x.size) == kept, x, _MASKED)


def _padded(x: Logits, first: float, last: float) -> Logits:
    """Masked from one part of the row to another."""
    return _at(x, slice(round(first * x.size), round(last * x.size)), _MASKED)


def _some_masked(x: Logits, rng: np.random.Generator) -> Logits:
    return np.where(rng.random(x.size) < 0.4, _MASKED, x)


def _tied(x: Logits, rng: np.random.Generator) -> Logits:
    return _apart(x, rng, float(x.max()), float(x.max()))


Kind = Callable[[Logits, Format, np.random.Generator], Logits]
# Each from a row of normal logits of scale 3.
_KINDS: tuple[Kind, ...] = (
    lambda x, f, rng: x,
    lambda x, f, rng: x + _high(f),
    lambda x, f, rng: x - _high(f),
    lambda x, f, rng: x - f.largest / 4,
    lambda x, f, rng: _apart(x, rng, _high(f)),
    lambda x, f, rng: _at(x - _high(f), 0, 0.0),
    lambda x, f, rng: np.full(x.size, x[0]),
    lambda x, f, rng: _tied(x, rng),
    lambda x, f, rng: rng.uniform(-1.0, 1.0, x.size) * _high(f),
    lambda x, f, rng: rng.choice([-1.0, -0.5, 0.0, 0.5, 1.0], x.size) * f.largest,
    lambda x, f, rng: _apart(x, rng, f.smallest_subnormal, -f.smallest_subnormal, 0.0, -0.0),
    lambda x, f, rng: _some_masked(x, rng),
    lambda x, f, rng: _some_masked(x, rng) + _high(f),
    lambda x, f, rng: _some_masked(x, rng) - f.largest / 4,
    lambda x, f, rng: _apart(x - f.largest, rng, _MASKED),
    lambda x, f, rng: _single(x, rng),
    lambda x, f, rng: _padded(x, 0.0, 0.7),
    lambda x, f, rng: _padded(x, 0.3, 0.7),
    lambda x, f, rng: _padded(x + _high(f), 0.3, 1.0),
    lambda x, f, rng: np.full(x.size, _MASKED),
    lambda x, f, rng: _apart(x, rng, np.nan),
    lambda x, f, rng: _apart(x, rng, np.inf),
    lambda x, f, rng: _apart(x, rng, np.inf, np.inf),
    lambda x, f, rng: _apart(x, rng, np.nan, np.inf),
    lambda x, f, rng: _apart(x, rng, np.nan, _MASKED),
    lambda x, f, rng: _apart(x, rng, np.inf, _MASKED),
)
KINDS = len(_KINDS)
# Those that are decided as soon as any row, however long it is: none has equal or tied logits.
_KINDS_OF_LONG_ROWS: tuple[Kind, ...] = (
    lambda x, f, rng: x + _high(f),
    lambda x, f, rng: _at(x, -1, float(x.max()) + 0.5),
    lambda x, f, rng: _apart(x, rng, np.nan),
    lambda x, f, rng: _some_masked(x, rng),
    lambda x, f, rng: _padded(x + _high(f), 0.3, 1.0),
    lambda x, f, rng: _apart(x, rng, _high(f)),
)
_LONG = 4097  # rows so long are taken in blocks, or several threads take one


def hard_rows(format: Format, n: int, rows: int, rng: np.random.Generator) -> NDArray[Any]:
    """Rows of each kind in turn, shape (rows, n)."""
    return _in_turn(_KINDS, format, n, rows, rng)


def long_hard_rows(format: Format, n: int, rows: int, rng: np.random.Generator) -> NDArray[Any]:
    """The same of the kinds that take no longer to judge than other rows of n."""
    return _in_turn(_KINDS_OF_LONG_ROWS, format, n, rows, rng)


def _in_turn(
    kinds: tuple[Kind, ...], format: Format, n: int, rows: int, rng: np.random.Generator
) -> NDArray[Any]:
    x = np.empty((rows, n))
    for row in range(rows):
        x[row] = kinds[row % len(kinds)](rng.normal(0.0, 3.0, n), format, rng)
    return np.where(np.isfinite(x), np.clip(x, -format.largest, format.largest), x)


FAMILIES = (
    Family(
        "hard",
        "every kind of row that breaks a kernel: offsets, masks, padding, special values in pairs",
        hard_rows,
        suite="check",
        check=Sampling(shortest=1, fewest=2 * KINDS, more_rows=((_LONG, KINDS),)),
        by_place=True,
    ),
)
