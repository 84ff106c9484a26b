"""Limits on metrics as they are written: ``max_ulp=2``."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from softmax_harness.ground.errors import BadLimit
from softmax_harness.judgement.as_asked import is_as_asked
from softmax_harness.judgement.metrics import METRICS, Batch, metrics_of
from softmax_harness.judgement.metrics.batch import Array
from softmax_harness.operations import Operation


def not_correctly_rounded(batch: Batch) -> Array:
    """1 where an output is not correctly rounded, else 0; shape (rows, n)."""
    return np.asarray(~is_as_asked(batch.y, batch.truth.rounded), dtype=np.float64)


OF = {metric.name: metric.of for metric in METRICS} | {
    "not_correctly_rounded": not_correctly_rounded
}
"""The function of a batch behind each name."""
SUMS = {metric.name for metric in METRICS if metric.combine == "sum"} | {"not_correctly_rounded"}


def parsed_number(text: str, where: str) -> tuple[str, float]:
    """The metric and the number of a text such as ``max_ulp=2``.

    Raises
    ------
    BadLimit
        If there is no such metric, or the number is none; `where` says where it was given.
    """
    name, _, number = text.partition("=")
    try:
        value = float(number)
    except ValueError:
        value = math.nan
    if name not in OF or not value >= 0:
        raise BadLimit(
            f"{where} {text!r}: expected METRIC=NUMBER, the number 0 or more and METRIC one of "
            f"{', '.join(OF)}"
        )
    return name, value


def check_measured(metrics: Iterable[str], operation: Operation) -> None:
    """Refuse metrics that the results of an operation do not have."""
    known = [*(metric.name for metric in metrics_of(operation)), "not_correctly_rounded"]
    for name in metrics:
        if name not in known:
            raise BadLimit(
                f"{name} is not measured of {operation.name}: expected one of {', '.join(known)}"
            )
