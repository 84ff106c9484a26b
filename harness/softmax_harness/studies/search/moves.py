"""Moves in the space of floats: what a row is changed into, on the way to a worse one.

Each number has a place among all of its format, in ascending order, so that a step of k ulp is a
step of k places wherever the number stands, across binades and across 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.formats import Format

Row = NDArray[Any]
Move = Callable[[Row, list[Row], Format, np.random.Generator], Row]
"""``move(row, others, format, rng)``: a new row; `others` are bad rows too, `row` among them."""


def places(x: Row) -> NDArray[np.int64]:
    """The place of each number, 0 for 0 and -0, in steps of one ulp."""
    bits = x.view(np.dtype(f"i{x.dtype.itemsize}")).astype(np.int64)
    magnitude = bits & np.int64((1 << (8 * x.dtype.itemsize - 1)) - 1)
    return np.where(bits < 0, -magnitude, magnitude)


def at(place: NDArray[np.int64], format: Format) -> Row:
    """The numbers at some places; those beyond the largest ones are these."""
    dtype = format.dtype
    last = int(places(np.array([format.largest]).astype(dtype))[0])
    size = np.abs(np.clip(place, -last, last)).astype(np.dtype(f"u{dtype.itemsize}"))
    found: Row = size.view(dtype)
    return np.where(place < 0, -found, found).astype(dtype)


def stepped(x: Row, format: Format, rng: np.random.Generator) -> Row:
    """Each number some steps away, of any size up to four binades, small ones as often as large."""
    size, most = x.size, format.precision + 2
    steps = np.rint(np.exp2(rng.uniform(0.0, most, size))) * rng.choice([-1.0, 1.0], size)
    return at(places(x) + steps.astype(np.int64), format)


def _some(row: Row, rng: np.random.Generator) -> NDArray[np.int64]:
    """A few entries, most often one, now and then all."""
    count = min(int(rng.geometric(0.5)), row.size) if rng.random() < 0.9 else row.size
    return rng.choice(row.size, count, replace=False)


def step_some(row: Row, others: list[Row], format: Format, rng: np.random.Generator) -> Row:
    """Move a few entries, each by steps of its own."""
    new, chosen = row.copy(), _some(row, rng)
    new[chosen] = stepped(row[chosen], format, rng)
    return new


def nudge(row: Row, others: list[Row], format: Format, rng: np.random.Generator) -> Row:
    """Move one entry to a neighbour."""
    new, chosen = row.copy(), rng.integers(row.size, size=1)
    new[chosen] = at(places(row[chosen]) + rng.choice([-1, 1], 1), format)
    return new


@np.errstate(over="ignore")
def shift(row: Row, others: list[Row], format: Format, rng: np.random.Generator) -> Row:
    """Add one number to all entries, of the size of one of them."""
    size = float(np.abs(row.astype(np.float64)[rng.integers(row.size)]))
    size = min(size, format.largest) if np.isfinite(size) else 1.0
    by = rng.choice([-1.0, 1.0]) * size * 2.0 ** rng.uniform(-12.0, 0.0)
    return _stored(row.astype(np.float64) + by, format)


@np.errstate(over="ignore")
def to_an_edge(row: Row, others: list[Row], format: Format, rng: np.random.Generator) -> Row:
    """Shift all entries so that the largest is where exp over- or underflows, or a sum loses it.

    Neighbours among numbers of 2**precision differ by about 1: the logarithm of a sum, added to
    such a number, is rounded to a few units or lost.
    """
    sizes = (format.smallest_subnormal, format.smallest_normal, format.largest)
    edges = [math.log(size) + rng.normal(0.0, 1.0) for size in sizes]
    edges.append(rng.choice([-1.0, 1.0]) * 2.0 ** (format.precision + rng.uniform(0.0, 4.0)))
    by = edges[rng.integers(len(edges))] - float(row.astype(np.float64).max())
    return _stored(row.astype(np.float64) + (by if np.isfinite(by) else 0.0), format)


@np.errstate(over="ignore")
def scale(row: Row, others: list[Row], format: Format, rng: np.random.Generator) -> Row:
    """Multiply some entries, or all, by a power of two or by a number near 1."""
    new, chosen = row.copy(), _some(row, rng) if rng.random() < 0.5 else np.arange(row.size)
    by = 2.0 ** rng.choice([-1.0, 1.0, rng.normal(0.0, 0.1)])
    new[chosen] = _stored(row[chosen].astype(np.float64) * by, format)
    return new


def approach(row: Row, others: list[Row], format: Format, rng: np.random.Generator) -> Row:
    """Move an entry to another one, or near it."""
    new, (one, other) = row.copy(), rng.integers(row.size, size=2)
    new[one] = row[other]
    if rng.random() < 0.5:
        new[one : one + 1] = stepped(new[one : one + 1], format, rng)
    return new


def permute(row: Row, others: list[Row], format: Format, rng: np.random.Generator) -> Row:
    """Exchange two entries, or turn, sort or shuffle all."""
    kind = rng.integers(5)
    if kind == 0:
        return rng.permutation(row)
    if kind == 1:
        return row[::-1].copy()
    if kind == 2:
        order = np.argsort(row.astype(np.float64), kind="stable")
        return row[order if rng.random() < 0.5 else order[::-1]]
    new, pair = row.copy(), rng.integers(row.size, size=2)
    new[pair] = row[pair[::-1]]
    return new


def cross(row: Row, others: list[Row], format: Format, rng: np.random.Generator) -> Row:
    """Take some entries from another row of the same length."""
    alike = [each for each in others if each.size == row.size]
    other = alike[rng.integers(len(alike))]
    return np.where(rng.random(row.size) < rng.random(), other, row).astype(row.dtype)


def shorten(row: Row, others: list[Row], format: Format, rng: np.random.Generator) -> Row:
    """Leave an entry out."""
    return row if row.size < 2 else np.delete(row, rng.integers(row.size))


def lengthen(row: Row, others: list[Row], format: Format, rng: np.random.Generator) -> Row:
    """Repeat an entry anywhere."""
    return np.insert(row, rng.integers(row.size + 1), row[rng.integers(row.size)])


def _stored(values: NDArray[np.float64], format: Format) -> Row:
    return format.stored(np.clip(values, -format.largest, format.largest))


OF_ANY_ROW: tuple[Move, ...] = (
    *(step_some, step_some, nudge, nudge, shift, to_an_edge, scale, approach, permute, cross),
)
OF_LENGTH: tuple[Move, ...] = (shorten, lengthen)
