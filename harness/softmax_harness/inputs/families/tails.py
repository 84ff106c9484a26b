"""One high logit above a tail of terms that no sum feels one by one, and feels all together."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.formats import Format
from softmax_harness.inputs.families.family import Family, Sampling

# Each is an eighth of u, the sum of them 80 u. Who leaves them out errs by that; who adds in four
# lanes loses those of one lane, 20 u, which a sum in pairs may lose, too.
_LENGTH = 640
_BITS_BELOW = 3


def _below_roundoff(format: Format, n: int, rows: int, rng: np.random.Generator) -> NDArray[Any]:
    below = -math.log(2.0) * (format.precision + _BITS_BELOW)
    x = below + rng.uniform(-0.3, 0.3, (rows, n))
    x[np.arange(rows), rng.integers(0, n, rows)] = 0.0
    return x


FAMILIES = (
    Family(
        "below-roundoff",
        "a confident model: the tail is below the roundoff of the sum, all of it well above",
        _below_roundoff,
        lengths=(_LENGTH,),
        suite="check",
        check=Sampling(fewest=24),
    ),
)
