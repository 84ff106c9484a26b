"""Choosing between numbers without a branch: NumPy's own take longer where masks are random."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from softmax_harness.operations.screen.workspace import Array, Bits, bits_of


def all_bits(chosen: NDArray[np.bool_]) -> Bits:
    """All bits where it is true, none elsewhere."""
    bits = chosen.astype(np.int64)
    return np.negative(bits, out=bits)


def where(chosen: NDArray[np.bool_], x: Array, other: Array | float) -> Array:
    """np.where(chosen, x, other)."""
    return by_bits(all_bits(chosen), x, other)


def by_bits(mask: Bits, x: Array, other: Array | float) -> Array:
    """The same of what `all_bits` gives, where that is known."""
    value = bits_of(np.asarray(other, np.float64))
    found = bits_of(np.asarray(x, np.float64)) ^ value
    found &= mask
    found ^= value
    return found.view(np.float64)


def put(array: Array, elsewhere: Bits, value: float) -> None:
    """Put a number into an array where `elsewhere` has no bits."""
    bits, of_value = bits_of(array), np.float64(value).view(np.int64)
    if of_value:
        bits ^= of_value
    bits &= elsewhere
    if of_value:
        bits ^= of_value
