"""Uniform logits: over the whole domain of exp, and between 0 and 1."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.formats import Format
from softmax_harness.inputs.families.family import Family, Sampling


def _wide(format: Format, n: int, rows: int, rng: np.random.Generator) -> NDArray[Any]:
    edge = math.log(format.largest)
    return rng.uniform(-edge, edge, (rows, n))


def _unit(format: Format, n: int, rows: int, rng: np.random.Generator) -> NDArray[Any]:
    return rng.uniform(0.0, 1.0, (rows, n))


def _long_sums(format: Format) -> int:
    """All of float64's domain in one row is more than the screen takes."""
    return 2 if format.precision <= 24 else 0


FAMILIES = (
    Family(
        "uniform-wide",
        "logits over all of exp's domain, where x - max x rounds most",
        _wide,
        check=Sampling(long_sums=_long_sums),
    ),
    Family(
        "uniform-unit",
        "logits between 0 and 1, as benchmarks of kernels draw them: all results are near 1/n",
        _unit,
        suite="full",
        check=None,
    ),
)
