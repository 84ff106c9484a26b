"""softmax_masked: softmax of the entries that a mask keeps, 0 for the others.

A row with nothing to keep is softmax's row of nothing but -inf.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.formats import Format
from softmax_harness.operations import cross_entropy_gradient, softmax
from softmax_harness.operations.operation import Array, Enclosure, Operands, Operation, Policy
from softmax_harness.operations.screen import Screened, screen_masked
from softmax_harness.operations.screen.masks import where


def masks(stored: NDArray[Any], rng: np.random.Generator) -> Operands:
    """True for what is kept: about two in three; every eighth row keeps nothing."""
    kept = rng.random(stored.shape) < 2 / 3
    kept[7::8] = False
    return (kept,)


def masked(x: Array, operands: Operands) -> Array:
    """The logits with -inf where the mask keeps nothing."""
    return where(operands[0], x, -np.inf)


def enclose(x: Array, operands: Operands, precision: int) -> list[Enclosure | None]:
    """softmax of what is kept."""
    return softmax.enclose_row(masked(x, operands), (), precision)


def special_values(x: Array, policy: Policy, operands: Operands) -> tuple[NDArray[np.bool_], Array]:
    """softmax's, of what is kept: what the mask hides does not count, NaN included."""
    return softmax.special_values(masked(x, operands), policy)


def error_bound(x: Array, operands: Operands, z: Array, ulp: Array, format: Format) -> Array:
    """softmax's."""
    return softmax.error_bound(masked(x, operands), (), z, ulp, format)


def input_sensitivity(x: Array, operands: Operands, z: Array, format: Format) -> Array:
    """softmax's."""
    return cross_entropy_gradient.input_sensitivity(masked(x, operands), (), z, format)


def screened(
    x: Array, operands: Operands, fixed: NDArray[np.bool_], expected: Array, format: Format
) -> Screened:
    """softmax's, of what is kept."""
    return screen_masked(masked(x, operands), fixed, expected, format)


OPERATION = Operation(
    "softmax_masked",
    "z_i = exp(x_i) / sum exp(x_j) over what the mask keeps",
    enclose,
    special_values,
    error_bound,
    input_sensitivity,
    screen=screened,
    make_operands=masks,
    effective_logits=masked,
    least=0.0,
    most=1.0,
    is_distribution=True,
)
