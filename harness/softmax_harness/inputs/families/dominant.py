"""One logit above all others."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.formats import Format
from softmax_harness.inputs.families.family import Family


def _dominant(format: Format, n: int, rows: int, rng: np.random.Generator) -> NDArray[Any]:
    """Row by row a wider gap, up to the one at which the others underflow."""
    gaps = np.linspace(1.0, -1.1 * math.log(format.smallest_subnormal), rows)[:, None]
    x = rng.normal(0.0, 1.0, (rows, n)) - gaps
    x[np.arange(rows), rng.integers(0, n, rows)] = 0.0
    return x


FAMILIES = (
    Family(
        "dominant",
        "a confident model: one entry near 1, the rest in the tail",
        _dominant,
        by_place=True,
    ),
)
