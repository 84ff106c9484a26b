"""The correctly rounded softmax, made from the truth: what no implementation can improve on."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from softmax_implementations import Implementation
from softmax_implementations.registry import floating

from softmax_harness.formats import format_of
from softmax_harness.operations import OPERATIONS, Policy
from softmax_harness.truth import known


def exact(x: NDArray[Any], axis: int = -1) -> NDArray[Any]:
    """Every element the exact value rounded once, by the screen and mpmath."""
    x = floating(x)
    format = format_of(x)
    if x.size == 0:
        return x.copy()
    rows = np.moveaxis(np.atleast_1d(x), axis, -1)
    flat = rows.reshape(-1, rows.shape[-1]).astype(np.float64)
    truth = known(OPERATIONS["softmax"], flat, format, Policy()).truth
    rounded = truth.rounded.astype(format.dtype)
    result = np.moveaxis(rounded.reshape(rows.shape), -1, axis)
    return np.ascontiguousarray(result).reshape(x.shape)


EXACT = Implementation("exact", exact, ("float16", "bfloat16", "float32", "float64"), bound="exact")
