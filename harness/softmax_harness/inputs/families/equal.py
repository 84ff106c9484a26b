"""All logits equal: nothing is left but the sum and the division."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.formats import Format
from softmax_harness.inputs.families.family import Family, Sampling


def _equal(format: Format, n: int, rows: int, rng: np.random.Generator) -> NDArray[Any]:
    return np.repeat(rng.normal(0.0, 3.0, (rows, 1)), n, axis=1)


FAMILIES = (
    Family(
        "equal",
        "all equal: only the sum and the division can err",
        _equal,
        check=Sampling(one_row_up_to=math.inf, long_rows=((65537, 1),)),
    ),
    Family(
        "equal-long",
        "n above 2**p: a running sum in the format stops growing",
        _equal,
        lengths=(100_000, 2**24 + 2),
        rows=1,
        suite="full",
        check=None,
    ),
)
