"""One logit far above many others, as of a confident model: all of these together count much."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.formats import Format
from softmax_harness.inputs.families.family import Family, Sampling

_LEAST, _MOST = 0.5, 12.5  # minus the logarithm of what the others have together, over the largest
_NOISE = 0.25


def _tails(format: Format, n: int, rows: int, rng: np.random.Generator) -> NDArray[Any]:
    """The others about log n and that much below the largest, which stands anywhere."""
    share = np.linspace(_MOST, _LEAST, rows)
    x = rng.normal(0.0, _NOISE, (rows, n)) - (math.log(max(n, 1)) + share)[:, None]
    x[np.arange(rows), rng.integers(0, max(n, 1), rows)] = 0.0
    return x


FAMILIES = (
    Family(
        "long-tail",
        "one logit far above many: each of these counts nothing by itself, and all of them much",
        _tails,
        lengths=(100, 1000, 4097),
        suite="check",
        by_place=True,
        # Of longer rows an honest sum of blocks, one after another, loses too many of them.
        check=Sampling(fewest=4),
    ),
)
