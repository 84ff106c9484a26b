"""Lengths and shapes that depend on the seed: no table of sizes is right for the next one."""

from __future__ import annotations

import math
import zlib

import numpy as np

_LENGTHS, _SHORTEST, _LONGEST = 8, 131, 10_000
_LONG, _LONGEST_OF_ALL = 2, 250_000
_BATCHES, _MOST_ROWS, _MOST_ENTRIES = 3, 2000, 40
_LONGEST_AXIS = 23  # so that no drawn array is much larger than the others
_PERMUTED = 400


def lengths(seed: int) -> tuple[int, ...]:
    """Lengths of rows beyond those that are asked in any case, as many short as long ones."""
    return _sizes(seed, "lengths", _LENGTHS, _SHORTEST, _LONGEST)


def long_lengths(seed: int) -> tuple[int, ...]:
    """Lengths beyond those, of vocabularies for example."""
    return _sizes(seed, "long lengths", _LONG, _LONGEST, _LONGEST_OF_ALL)


def shape(seed: int, axes: int) -> tuple[int, ...]:
    """A shape with so many axes."""
    return _sizes(seed, f"shape {axes}", axes, 2, _LONGEST_AXIS)


def batches(seed: int) -> tuple[tuple[int, int], ...]:
    """Shapes of batches: rows and their length."""
    rows = _sizes(seed, "rows", _BATCHES, 2, _MOST_ROWS)
    return tuple(zip(rows, _sizes(seed, "entries", _BATCHES, 2, _MOST_ENTRIES), strict=True))


def permuted(seed: int) -> int:
    """The length of rows that are permuted."""
    return _sizes(seed, "permuted", 1, 8, _PERMUTED)[0]


def _sizes(seed: int, what: str, count: int, least: int, most: int) -> tuple[int, ...]:
    """Sizes whose logarithms are uniformly distributed."""
    rng = np.random.default_rng([seed, zlib.crc32(what.encode())])
    drawn = np.exp(rng.uniform(math.log(least), math.log(most), count))
    return tuple(round(float(each)) for each in drawn)
