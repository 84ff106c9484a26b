"""Scores that break kernels of attention, made from rows of logits."""

from __future__ import annotations

import numpy as np

from softmax_harness.ground.formats import Format
from softmax_harness.operations.attention.kinds import drawn
from softmax_harness.operations.enclosure import Array

STAND_INS = (-1e4, -5e4, -65504.0, -1e9)
"""What kernels put in the place of -inf; rows whose scores all lie below one show it."""

_FACTORS = (0.5, 1.0, 1.001, 1.1, 2.0, 5.0)
_BLOCKS = (16, 32, 64, 128)


def risen(x: Array, rng: np.random.Generator) -> Array:
    """Logits, in a quarter of the rows with maxima that come late; shape kept, (rows, n)."""
    risen = np.array(x)
    for make, chosen in drawn(_RISES, len(x), rng):
        risen[chosen] += make((len(chosen), x.shape[1]), rng)
    return risen


def _none(shape: tuple[int, int], rng: np.random.Generator) -> Array:
    return np.zeros(shape)


def _by_blocks(shape: tuple[int, int], rng: np.random.Generator) -> Array:
    """Each block of keys above the last by e**4 to e**24: rescaling between blocks counts."""
    block = rng.choice(_BLOCKS, (shape[0], 1))
    return np.asarray(rng.uniform(4.0, 24.0, (shape[0], 1)) * (np.arange(shape[1]) // block))


def _at_the_end(shape: tuple[int, int], rng: np.random.Generator) -> Array:
    """One of the last keys above all others."""
    place = shape[1] - 1 - rng.integers(0, max(shape[1] // 4, 1), (shape[0], 1))
    return np.where(np.arange(shape[1]) == place, rng.uniform(20.0, 200.0, (shape[0], 1)), 0.0)


_RISES = ((0.78, _none), (0.15, _by_blocks), (0.07, _at_the_end))


def shifts(rows: int, format: Format, rng: np.random.Generator) -> Array:
    """What is added to all scores of a row, shape (rows,); 0 for most."""
    added = np.zeros(rows)
    for make, chosen in drawn(_SHIFTS, rows, rng):
        added[chosen] = make(len(chosen), format, rng)
    return added


def _no_shift(rows: int, format: Format, rng: np.random.Generator) -> Array:
    return np.zeros(rows)


def _decade(rows: int, format: Format, rng: np.random.Generator) -> Array:
    """From -1e3 to -1e6, evenly in each decade."""
    return np.asarray(-(10.0 ** rng.uniform(3.0, 6.0, rows)))


def _above(rows: int, format: Format, rng: np.random.Generator) -> Array:
    """The same above 0."""
    return -_decade(rows, format, rng)


def _stand_in(rows: int, format: Format, rng: np.random.Generator) -> Array:
    """At, above and below what stands for -inf elsewhere; -1e9 where the format holds it.

    A format that holds none of them has its own lowest number.
    """
    usable = [each for each in STAND_INS if -each <= format.largest] or [-format.largest]
    return np.asarray(rng.choice(usable, rows) * rng.choice(_FACTORS, rows))


_SHIFTS = ((0.55, _no_shift), (0.18, _decade), (0.07, _above), (0.20, _stand_in))


def above_what_is_seen(rows: int, rng: np.random.Generator) -> Array:
    """How much is added to the scores of hidden keys, shape (rows, 1): often nothing.

    A mask that is a finite number, added to the scores, does not hide them then.
    """
    added = 10.0 ** rng.uniform(3.0, 5.0, (rows, 1))
    return np.where(rng.random((rows, 1)) < 0.3, added, 0.0)
