"""Logits that rise along the row, so that a running maximum moves at every step."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.formats import Format
from softmax_harness.inputs.families.family import Family, Sampling


def _rising(format: Format, n: int, rows: int, rng: np.random.Generator) -> NDArray[Any]:
    spans = np.geomspace(0.5, 20.0, rows)[:, None]
    return np.linspace(0.0, 1.0, n) * spans + rng.normal(0.0, 1.0, (rows, 1))


FAMILIES = (
    Family(
        "rising",
        "the worst case of online softmax: the maximum keeps moving",
        _rising,
        # Of longer rows an honest online softmax rescales too often.
        check=Sampling(more_rows=((4097, 4),)),
        by_place=True,
    ),
)
