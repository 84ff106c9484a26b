"""The correctly rounded results as an array of the kind of the inputs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from softmax_harness.ground.foreign_arrays import like
from softmax_harness.ground.formats import Format, format_named
from softmax_harness.operations import operation_named
from softmax_harness.score.arrays import empty_pair
from softmax_harness.score.exact import fill_exactly


def exact_array(x: Any, operands: Mapping[str, Any], operation: str, axis: int, dtype: Any) -> Any:
    """As `softmax_harness.testing.exact`."""
    format = None if dtype is None else _format(dtype)
    pair, shape = empty_pair(x, operands, operation, axis, format)
    if pair.y.size:
        fill_exactly(pair)
    first = operation_named(operation).parameters[0]
    return like(pair.y.reshape(shape), pair.format, operands[first] if x is None else x)


def _format(dtype: Any) -> Format:
    """The format that a type is of: its name, NumPy's type, or that of another library."""
    try:
        name = np.dtype(dtype).name
    except TypeError:
        name = str(dtype).rpartition(".")[2]  # "bfloat16", torch.bfloat16
    return format_named(name)
