"""Few distinct values, so that entries tie, the largest among them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.formats import Format
from softmax_harness.inputs.families.family import Family, Sampling


def _ties(format: Format, n: int, rows: int, rng: np.random.Generator) -> NDArray[Any]:
    steps = rng.integers(-3, 4, (rows, n))
    return np.asarray(steps * rng.choice([0.25, 1.0, 3.0], (rows, 1)))


FAMILIES = (
    Family(
        "ties",
        "few distinct values: equal logits must get equal results",
        _ties,
        # Equal terms show each rounding of a sum in lanes, in longer rows above the bound of pairs.
        check=Sampling(one_row_up_to=130),
    ),
)
