"""Logits that fall along the row: a sum is large from its first terms on, and rounds the rest."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.formats import Format
from softmax_harness.inputs.families.family import Family, Sampling


def _descending(format: Format, n: int, rows: int, rng: np.random.Generator) -> NDArray[Any]:
    return -np.sort(-rng.normal(0.0, 1.0, (rows, n)), axis=-1)


FAMILIES = (
    Family(
        "descending",
        "sorted in descending order: the worst order for adding one by one",
        _descending,
        suite="check",
        check=Sampling(long_sums=lambda format: 4),
    ),
)
