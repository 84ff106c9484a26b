"""Uniform logits over the whole domain of exp."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.formats import Format
from softmax_harness.inputs.families.family import Family, Sampling


def _wide(format: Format, n: int, rows: int, rng: np.random.Generator) -> NDArray[Any]:
    edge = math.log(format.largest)
    return rng.uniform(-edge, edge, (rows, n))


def _long_sums(format: Format) -> int:
    """All of float64's domain in one row is more than the screen takes."""
    return 3 if format.precision <= 24 else 0


FAMILIES = (
    Family(
        "uniform-wide",
        "logits over all of exp's domain: x - max x rounds most there",
        _wide,
        check=Sampling(long_sums=_long_sums),
    ),
)
