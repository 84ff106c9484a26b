"""Logits next to each other on the float line."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.formats import Format
from softmax_harness.inputs.families.family import Family, Sampling

_NEAREST = 2.0**-10
_LENGTH = 4096  # long enough for a sum one after another to err hundreds of times as much as lanes


def numbers_from(format: Format, start: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """The numbers of a format from each positive start on, shape (len(start), count).

    Numbers of one sign are counted by significand and exponent as one integer, as their bits do.
    """
    bits, last = format.precision - 1, format.emax - format.emin + 2
    fraction, exponent = np.frexp(start)
    exponent = np.maximum(exponent - 1, format.emin)
    first = np.ldexp(start, bits - exponent).astype(np.int64) + (
        (exponent - format.emin).astype(np.int64) << bits
    )
    place = np.minimum(first[:, None] + np.arange(count), (last << bits) - 1)
    raised = np.maximum((place >> bits) - 1, 0)
    values = np.ldexp((place - (raised << bits)).astype(np.float64), raised + format.emin - bits)
    return np.asarray(np.minimum(values, format.largest))


def _consecutive(format: Format, n: int, rows: int, rng: np.random.Generator) -> NDArray[Any]:
    """0, and n - 1 neighbours below it whose exponentials are normal."""
    deepest = -math.log(format.smallest_normal)
    start = np.exp(rng.uniform(math.log(_NEAREST), math.log(deepest), rows))
    x = np.zeros((rows, n))
    x[:, 1:] = -numbers_from(format, format.nearest(start).astype(np.float64), n - 1)
    return x


def _near_equal(format: Format, n: int, rows: int, rng: np.random.Generator) -> NDArray[Any]:
    """Up to eight neighbours, in any order: a sum of n terms that are all rounded alike."""
    start = format.nearest(rng.uniform(1.0, 4.0, rows)).astype(np.float64)
    line = numbers_from(format, start, 8)
    return np.take_along_axis(line, rng.integers(0, 8, (rows, n)), axis=1)


FAMILIES = (
    Family(
        "neighbours",
        "numbers next to each other on the float line: their results must not change places",
        _consecutive,
        suite="standard",
        check=None,
    ),
    Family(
        "near-equal",
        "logits a few floats apart: the terms of a long sum are rounded alike",
        _near_equal,
        lengths=(_LENGTH,),
        suite="standard",
        check=Sampling(fewest=3, more_rows=((_LENGTH, 1),)),
    ),
)
