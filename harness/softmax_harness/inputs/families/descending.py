"""Logits that fall along the row: a sum is large from its first terms on, and rounds the rest."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.formats import Format
from softmax_harness.inputs.families.family import Family, Sampling


def _descending(format: Format, n: int, rows: int, rng: np.random.Generator) -> NDArray[Any]:
    x = -np.sort(-rng.normal(0.0, 1.0, (rows, n)), axis=-1)
    if n > 1 and rows > 1:  # which the first entries, in order, do not tell
        x[-1, -1] = 1.5 * math.log(format.largest)
    return x


FAMILIES = (
    Family(
        "descending",
        "sorted in descending order, the worst for adding one by one; in one row but the last",
        _descending,
        suite="check",
        check=Sampling(long_sums=lambda format: 2),
        by_place=True,
    ),
)
