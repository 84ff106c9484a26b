"""softmax_masked: softmax of the entries that a mask keeps, 0 for the others.

A row with nothing to keep is softmax's row of nothing but -inf.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.formats import Format
from softmax_harness.operations import cross_entropy_gradient, softmax
from softmax_harness.operations.operation import Array, Beside, Enclosure, Operation, Policy


def masks(stored: NDArray[Any], rng: np.random.Generator) -> Beside:
    """True for what is kept: about two in three; every eighth row keeps nothing."""
    kept = rng.random(stored.shape) < 2 / 3
    kept[7::8] = False
    return (kept,)


def masked(x: Array, beside: Beside) -> Array:
    """The logits with -inf where the mask keeps nothing."""
    return np.where(beside[0], x, -np.inf)


def enclose(x: Array, beside: Beside, precision: int) -> list[Enclosure | None]:
    """softmax of what is kept."""
    return softmax.enclose_row(masked(x, beside), (), precision)


def special_values(x: Array, policy: Policy, beside: Beside) -> tuple[NDArray[np.bool_], Array]:
    """softmax's, of what is kept: what the mask hides does not count, NaN included."""
    return softmax.special_values(masked(x, beside), policy)


def owed(x: Array, beside: Beside, z: Array, ulp: Array, format: Format) -> Array:
    """softmax's."""
    return softmax.owed(masked(x, beside), (), z, ulp, format)


def change(x: Array, beside: Beside, z: Array, format: Format) -> Array:
    """softmax's."""
    return cross_entropy_gradient.change(masked(x, beside), (), z, format)


OPERATION = Operation(
    "softmax_masked",
    "z_i = exp(x_i) / sum exp(x_j) over what the mask keeps",
    enclose,
    special_values,
    owed,
    change,
    beside=masks,
    weighed=masked,
    least=0.0,
    most=1.0,
    is_distribution=True,
)
