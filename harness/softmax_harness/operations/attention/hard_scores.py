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
_LITTLE = 0.3  # by which keys differ that are nearly alike


def risen(x: Array, rng: np.random.Generator) -> Array:
    """Logits, in a quarter of the rows with maxima that come late or first; of the same shape."""
    risen = np.array(x)
    for make, chosen in drawn(_RISES, len(x), rng):
        risen[chosen] = make(risen[chosen], rng)
    return risen


def _as_they_are(x: Array, rng: np.random.Generator) -> Array:
    return x


def _by_blocks(x: Array, rng: np.random.Generator) -> Array:
    """Each block of keys above the last by e**4 to e**24: rescaling between blocks counts."""
    block = rng.choice(_BLOCKS, (len(x), 1))
    return np.asarray(x + rng.uniform(4.0, 24.0, (len(x), 1)) * (np.arange(x.shape[1]) // block))


def _at_the_end(x: Array, rng: np.random.Generator) -> Array:
    """One of the last keys above all others."""
    place = x.shape[1] - 1 - rng.integers(0, max(x.shape[1] // 4, 1), (len(x), 1))
    above = rng.uniform(20.0, 200.0, (len(x), 1))
    return np.asarray(x + np.where(np.arange(x.shape[1]) == place, above, 0.0))


def _first_as_all_others(x: Array, rng: np.random.Generator) -> Array:
    """The first key weighs about as much as all others, which are nearly alike, together.

    As the first token of a prompt does: no single one of the others counts, and all of them do.
    """
    found = _LITTLE * rng.standard_normal(x.shape)
    found[:, :1] = np.log(max(x.shape[1], 1)) + rng.uniform(-1.0, 2.0, (len(x), 1))[:, : x.shape[1]]
    return found


_RISES = (
    (0.72, _as_they_are),
    (0.15, _by_blocks),
    (0.07, _at_the_end),
    (0.06, _first_as_all_others),
)


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
