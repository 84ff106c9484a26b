"""Limits that a user sets or an implementation declares, such as ``max_ulp=2``."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from softmax_harness.check.contract.accuracy import JudgedBlock
from softmax_harness.check.contract.finding import Finding, key_of
from softmax_harness.judgement.limits import OF, SUMS, check_measured, parsed_number
from softmax_harness.judgement.metrics import Batch
from softmax_harness.judgement.metrics.batch import Array
from softmax_harness.subjects.subject import Subject

NAMES = tuple(OF)


@dataclass(frozen=True)
class Limit:
    """What a metric must not exceed.

    Attributes
    ----------
    metric : str
        One of `NAMES`.
    number : float
    implementation, dtype, family : str or None
        Where it holds; None for everywhere.
    """

    metric: str
    number: float
    implementation: str | None = None
    dtype: str | None = None
    family: str | None = None

    def holds_for(self, implementation: str, dtype: str) -> bool:
        """Whether it is asked of that implementation in that dtype."""
        return self.implementation in (None, implementation) and self.dtype in (None, dtype)


def parsed_limit(text: str, where: str, **places: str | None) -> Limit:
    """The limit given by a text such as ``max_ulp=2``; `places` are where it holds.

    Raises
    ------
    BadLimit
        If there is no such metric, or the number is none; `where` says where it was given.
    """
    name, value = parsed_number(text, where)
    return Limit(name, value, **places)


def limits_of(subject: Subject, asked: Sequence[Limit]) -> list[Limit]:
    """The limits that a subject declares, and those of `asked` that hold for it.

    Raises
    ------
    BadLimit
        If the results of its operation have no such metric.
    """
    declared = [
        parsed_limit(f"{metric}={number}", f"limits of {subject.name}")
        for metric, number in subject.declaration.limits.items()
    ]
    own = [limit for limit in asked if limit.holds_for(subject.name, subject.format.name)]
    metrics = (limit.metric for limit in (*declared, *own))
    check_measured(metrics, subject.problem.operation)
    return [*declared, *own]


@np.errstate(over="ignore", invalid="ignore", divide="ignore")  # results may be anything
def of_row(name: str, batch: Batch) -> tuple[float, int]:
    """A metric of a batch of one row, and the index of the element where it is largest."""
    values = OF[name](batch).ravel()
    if np.isnan(values).all():
        return math.nan, 0
    value = np.nansum(values) if name in SUMS else np.nanmax(values)
    return float(value), int(np.nanargmax(values))  # 0 where the row has one value


class _Worst(NamedTuple):
    """Where the largest value of a metric stands."""

    value: float
    block: JudgedBlock
    row: int
    element: int


class Promises:
    """Holds every block of a stream against limits."""

    def __init__(self, limits: Sequence[Limit]) -> None:
        self._limits = limits
        self._sums = dict.fromkeys(limits, 0.0)
        self._worst: dict[Limit, _Worst] = {}

    @np.errstate(over="ignore", invalid="ignore", divide="ignore")  # results may be anything
    def see(self, block: JudgedBlock) -> None:
        """Note a block's metrics."""
        family = block.recipe.family.name
        for limit in self._limits:
            if limit.family in (None, family):
                self._see(limit, block, OF[limit.metric](block.found.batch))

    def _see(self, limit: Limit, block: JudgedBlock, values: Array) -> None:
        by_row = values if values.ndim == 1 else np.fmax.reduce(values, axis=-1)
        if np.isnan(by_row).all():
            return
        row = int(np.nanargmax(by_row))
        index = 0 if values.ndim == 1 else int(np.nanargmax(values[row]))
        top = float(by_row[row])
        if limit.metric in SUMS:
            self._sums[limit] += float(np.nansum(values))
        if limit not in self._worst or top > self._worst[limit].value:
            self._worst[limit] = _Worst(top, block, row, index)

    def kinds(self) -> list[str]:
        """The kind of findings, if a limit is broken so far."""
        return ["limit"] if any(self._broken()) else []

    def findings(self, subject: Subject) -> Iterator[Finding]:
        """One for each limit that does not hold; a maximum once mpmath has confirmed it."""
        for limit, worst, value in self._broken():
            yield _finding(limit, value, worst.block.text(worst.row, worst.element), subject)

    def _broken(self) -> Iterator[tuple[Limit, _Worst, float]]:
        for limit, worst in self._worst.items():
            is_sum = limit.metric in SUMS
            value = self._sums[limit] if is_sum else worst.value
            if value > limit.number and not is_sum:
                value = by_mpmath(OF[limit.metric], worst.block, worst.row)
            if value > limit.number:
                yield limit, worst, value


def _finding(limit: Limit, value: float, witness: str, subject: Subject) -> Finding:
    where = f" in {limit.family}" if limit.family else ""
    return Finding(
        "limit",
        f"{limit.metric}{where} is {value:.6g}, beyond its limit of {limit.number:g}",
        limit.metric,
        value,
        limit.number,
        witness,
        key_of(subject).explaining(witness),
        value,
    )


@np.errstate(over="ignore", invalid="ignore", divide="ignore")  # results may be anything
def by_mpmath(metric: Callable[[Batch], Array], block: JudgedBlock, row: int) -> float:
    """The largest value of a metric in a row of a block, with mpmath's truth of it."""
    block.found.asked.confirm(np.array([row]))
    return float(np.nanmax(metric(block.found.renewed().batch)[row]))
