"""Limits that a user sets or an implementation declares: ``max_ulp=2``, ``not_correctly_rounded=0``."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

import numpy as np

from softmax_harness.contract.accuracy import Judged
from softmax_harness.contract.finding import Finding
from softmax_harness.contract.subject import Subject
from softmax_harness.errors import BadLimit
from softmax_harness.metrics import METRICS, Batch
from softmax_harness.metrics.batch import Array

Limits = Mapping[str, float]


def not_correctly_rounded(batch: Batch) -> Array:
    """1 where an output is not the number nearest to the exact value, shape (rows, n)."""
    y, r = batch.y, batch.truth.rounded
    same = (y == r) | (np.isnan(y) & np.isnan(r)) | np.isposinf(r)
    return np.asarray(~same, dtype=np.float64)


_OF = {metric.name: metric.of for metric in METRICS} | {
    "not_correctly_rounded": not_correctly_rounded
}
_SUMS = {metric.name for metric in METRICS if metric.combine == "sum"} | {"not_correctly_rounded"}
NAMES = tuple(_OF)


def parsed(assignments: tuple[str, ...]) -> dict[str, float]:
    """The limits given by texts such as ``max_ulp=2``."""
    limits = {}
    for text in assignments:
        name, _, number = text.partition("=")
        try:
            value = float(number)
        except ValueError:
            value = math.nan
        if name not in NAMES or not value >= 0:
            raise BadLimit(
                f"--limit {text!r}: expected METRIC=NUMBER, the number 0 or more and METRIC one of "
                f"{', '.join(NAMES)}"
            )
        limits[name] = value
    return limits


class Promises:
    """Holds every block of a stream against limits."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._found = dict.fromkeys(limits, 0.0)
        self._worst: dict[str, tuple[float, Judged, int, int]] = {}

    def see(self, judged: Judged) -> None:
        """Note a block's metrics."""
        for name in self._limits:
            values = _OF[name](judged.found.batch)
            if np.isnan(values).all():
                continue
            by_row = values if values.ndim == 1 else np.fmax.reduce(values, axis=-1)
            row = int(np.nanargmax(by_row))
            index = 0 if values.ndim == 1 else int(np.nanargmax(values[row]))
            top = float(by_row[row])
            self._found[name] = (
                self._found[name] + float(np.nansum(values))
                if name in _SUMS
                else max(self._found[name], top)
            )
            worst = self._worst.get(name)
            if worst is None or top > worst[0]:
                self._worst[name] = (top, judged, row, index)

    def findings(self, subject: Subject) -> Iterator[Finding]:
        """One for each limit that does not hold; a maximum once mpmath has confirmed it."""
        for name, limit in self._limits.items():
            if self._found[name] <= limit:
                continue
            _, judged, row, index = self._worst[name]
            value = self._found[name]
            if name not in _SUMS:
                value = _by_mpmath(name, judged, row)
            if value > limit:
                witness = judged.text(row, index)
                yield Finding(
                    "limit",
                    f"{name} is {value:.6g} where {limit:g} was promised",
                    name,
                    value,
                    limit,
                    witness,
                    f"softmax-harness explain '{witness}' --implementation {subject.known.name}",
                )


def _by_mpmath(name: str, judged: Judged, row: int) -> float:
    """The largest value of a metric in a row, with mpmath's truth of it."""
    found = judged.found
    found.asked.confirm(np.array([row]))
    batch = found.renewed().batch
    values = _OF[name](batch)[row]
    return float(np.nanmax(values))
