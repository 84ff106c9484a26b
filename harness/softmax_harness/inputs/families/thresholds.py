"""One float below, at and above each threshold of exp and of softmax."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.formats import Format
from softmax_harness.inputs.families.family import Family, Sampling


def thresholds(format: Format) -> list[float]:
    """Where exp overflows, first leaves the normal numbers, and rounds to zero; natural logs."""
    half = math.log(format.smallest_subnormal) - math.log(2.0)
    return [math.log(format.largest), math.log(format.smallest_normal), half]


def _around(format: Format, edge: float, step: int) -> float:
    at = float(np.asarray(edge).astype(format.dtype))
    return (format.next_after(at, -math.inf), at, format.next_after(at, math.inf))[step]


def _exponential(format: Format, n: int, rows: int, rng: np.random.Generator) -> NDArray[Any]:
    """The largest logit at a threshold of exp, the others one below: naive breaks on one side."""
    edges = thresholds(format)
    x = np.empty((rows, n))
    for row in range(rows):
        x[row] = _around(format, edges[row // 3 % 3], row % 3)
        x[row, 1:] -= 1.0
    return x


def _result(format: Format, n: int, rows: int, rng: np.random.Generator) -> NDArray[Any]:
    """The largest logit is 0; the others make the result reach a threshold of underflow."""
    edges = thresholds(format)[1:]
    x = np.zeros((rows, n))
    for row in range(rows):
        x[row, 1:] = _around(format, edges[row // 3 % 2], row % 3)
    return x


# Equal terms show each rounding of a sum in lanes, which in longer rows exceeds the bound of pairs.
_SHORT = Sampling(longest=100)

FAMILIES = (
    Family(
        "exp-thresholds",
        "exp overflows or underflows one float further on",
        _exponential,
        check=_SHORT,
        by_place=True,
    ),
    Family(
        "result-thresholds",
        "the result underflows one float further on",
        _result,
        check=_SHORT,
        by_place=True,
    ),
)
