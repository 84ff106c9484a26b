"""Logits with a common offset, to the edge of exp and of the format, and past it."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.formats import Format
from softmax_harness.inputs.families.family import Family, Make, Sampling

_AROUND_OVERFLOW = 3  # rows, of which one is below exp's overflow, one far and one just past it


def _offset(sign: float) -> Make:
    """Every other row near the overflow of exp, the rest towards the largest finite number."""

    def make(format: Format, n: int, rows: int, rng: np.random.Generator) -> NDArray[Any]:
        near = math.log(format.largest) * np.linspace(0.5, 1.5, rows)
        far = np.exp(np.linspace(math.log(100.0), math.log(format.largest), rows))
        offsets = np.where(np.arange(rows) % 2 == 0, near, far)[:, None]
        x = sign * offsets + rng.normal(0.0, 1.0, (rows, n))
        return np.clip(x, -format.largest, format.largest)

    return make


FAMILIES = (
    Family(
        "offset-positive",
        "a common offset up to and past exp's overflow",
        _offset(1.0),
        by_place=True,
    ),
    Family(
        "offset-negative",
        "a common offset down to and past exp's underflow",
        _offset(-1.0),
        check=Sampling(more_rows=((16_385, _AROUND_OVERFLOW),)),
        by_place=True,
    ),
)
