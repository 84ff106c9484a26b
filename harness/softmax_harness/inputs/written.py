"""Rows and operands written in full, as the text of a witness."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax_harness.operations import Inputs, Problem

_LONGEST, _LARGEST = 48, 240  # logits of a row that is written in full, and numbers in all


def literal_text(problem: Problem, inputs: Inputs, index: int) -> str:
    """``float32:0x1p+0,0x1.8p+1;target=1@0``: result 0 of the row and operands written in full.

    Of an operand with two dimensions the rows stand between slashes.
    """
    pairs = zip(problem.operation.operands, inputs.operands, strict=True)
    parts = [_written(inputs.x[0]), *(f"{about.name}={_written(own[0])}" for about, own in pairs)]
    return f"{problem.input_format.name}:{';'.join(parts)}@{index}"


def number_in(word: str) -> float:
    """The number that a word stands for: decimal, hexadecimal after ``0x``, inf or nan.

    Raises
    ------
    ValueError, OverflowError
        If it stands for none.
    """
    return float.fromhex(word) if "0x" in word.lower() else float(word)


def is_short(inputs: Inputs) -> bool:
    """Whether a row with its operands is short enough to be written in full.

    A row of nothing is not: no text stands for it.
    """
    return 0 < inputs.x.size <= _LONGEST and inputs.size <= _LARGEST


def is_kept(problem: Problem, inputs: Inputs) -> bool:
    """Whether the format of the logits, in which a witness is read, holds all operands exactly."""
    floats = [each for each in inputs.operands if each.dtype.kind not in "biu"]
    values = [each.astype(np.float64) for each in floats]
    nearest = problem.input_format.nearest
    return all(np.array_equal(nearest(each), each, equal_nan=True) for each in values)


def _written(values: NDArray[Any]) -> str:
    if values.ndim == 2:
        return "/".join(map(_written, values))
    numbers = np.atleast_1d(values)
    if numbers.dtype.kind in "biu":
        return ",".join(str(int(each)) for each in numbers)
    return ",".join(float(each).hex() for each in numbers)
