"""Values at the ends of the format: subnormal, zero of either sign, largest finite."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.formats import Format
from softmax_harness.inputs.families.family import Family, Sampling


def _subnormal(format: Format, n: int, rows: int, rng: np.random.Generator) -> NDArray[Any]:
    steps = 2 ** (format.precision - 1)
    return rng.integers(-steps, steps, (rows, n)) * format.smallest_subnormal


def _largest(format: Format, n: int, rows: int, rng: np.random.Generator) -> NDArray[Any]:
    """Among them pairs whose difference exceeds the largest finite number."""
    fractions = rng.choice([1.0, 1.0 - 4 * format.unit_roundoff, 0.5, 0.0], (rows, n))
    signed: NDArray[Any] = rng.choice([-1.0, 1.0], (rows, n)) * fractions
    return signed * format.largest


def _zeros(format: Format, n: int, rows: int, rng: np.random.Generator) -> NDArray[Any]:
    return rng.choice([-0.0, 0.0], (rows, n))


FAMILIES = (
    Family(
        "subnormal",
        "subnormal logits, which a flushing unit takes for 0: no harm",
        _subnormal,
        check=Sampling(longest=8),  # every result is left to mpmath
    ),
    Family("largest", "the largest finite logits: x - max x itself overflows", _largest),
    Family("zeros", "zeros of either sign: softmax gives 1/n throughout", _zeros),
)
