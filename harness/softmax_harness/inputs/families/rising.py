"""Logits that rise along the row, so that a running maximum moves at every step."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.formats import Format
from softmax_harness.inputs.families.family import Family, Sampling

_LENGTH = 4097
_FAR = 128.0


def _rising(format: Format, n: int, rows: int, rng: np.random.Generator) -> NDArray[Any]:
    spans = np.geomspace(0.5, 20.0, rows)[:, None]
    return np.linspace(0.0, 1.0, n) * spans + rng.normal(0.0, 1.0, (rows, 1))


def _rising_far(format: Format, n: int, rows: int, rng: np.random.Generator) -> NDArray[Any]:
    """As a bias by distance makes them: what rescales only after a large step never does."""
    return np.linspace(0.0, _FAR, n) + rng.normal(0.0, 1.0, (rows, n))


FAMILIES = (
    Family(
        "rising",
        "the worst case of online softmax: the maximum keeps moving",
        _rising,
        # Of longer rows an honest online softmax rescales too often.
        check=Sampling(more_rows=((_LENGTH, 4),)),
        by_place=True,
    ),
    Family(
        "rising-far",
        "logits that rise past exp's overflow, by little in each block",
        _rising_far,
        lengths=(64, _LENGTH),
        suite="check",
        check=Sampling(fewest=2),
        by_place=True,
    ),
)
