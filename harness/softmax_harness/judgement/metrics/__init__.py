"""Plain functions of a batch: one metric, one function, one line in `METRICS`."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from softmax_harness.ground.formats import Format
from softmax_harness.judgement.metrics import order, rows, ulp
from softmax_harness.judgement.metrics.batch import Array, Batch, Whole
from softmax_harness.judgement.metrics.suspects import (
    Rows,
    Suspects,
    least_near,
    other_than_zero,
    reaching,
)
from softmax_harness.judgement.metrics.ulp import ulp_error
from softmax_harness.operations import Operation
from softmax_harness.truth import Truth

__all__ = ["METRICS", "Batch", "Metric", "Whole", "judged", "least_near", "metrics_of", "ulp_error"]

_SHORT = 32  # of shorter rows the bounds cost as much as what they spare: measured


def metrics_of(operation: Operation) -> tuple[Metric, ...]:
    """What is measured of the results of an operation."""
    if operation.is_distribution:
        return METRICS
    return tuple(each for each in METRICS if each.of_any_result)


def batch_of(
    x: Array,
    y: Array,
    truth: Truth,
    sensitivity: Callable[[], Array | None] | None = None,
    input_format: Format | None = None,
    whole: Whole | None = None,
) -> Batch:
    """The batch of inputs x, outputs y and their truth; the rest as in `Batch`."""
    return Batch(x, y, truth, ulp_error(y, truth), sensitivity, input_format, whole)


@dataclass(frozen=True)
class Metric:
    """A number that a cell of the results has, lower being better.

    Attributes
    ----------
    name : str
        Its column, or its name in metrics.csv.
    of : callable
        ``of(batch)`` gives one number for each element, shape (rows, n), or for each row, shape
        (rows,); NaN where there is nothing to judge.
    combine : {"max", "sum"}
        How a cell's number comes from them. A maximum is kept with its place.
    unit : str
    blur : float or None
        How far the screen's value may be from the exact one, besides a relative 1e-6; None for
        what does not depend on the truth.
    suspects : callable or None
        Which rows may decide it, see `softmax_harness.judgement.metrics.suspects`.
    of_any_result : bool
        Whether results that are no distribution have it too.
    of_elements : bool
        Whether it is an element's |y - z| over something that z's last bits do not change.
    """

    name: str
    of: Callable[[Batch], Array]
    combine: Literal["max", "sum"]
    unit: str
    blur: float | None = 0.0
    suspects: Suspects | None = None
    of_any_result: bool = False
    of_elements: bool = False

    def deciding(self, batch: Batch, so_far: float = -math.inf) -> tuple[Rows, Array]:
        """The rows of a batch that decide the metric's number, and its values there.

        Parameters
        ----------
        so_far : float
            Of a maximum: the largest value in rows before these. Where no row comes near it none
            decides; otherwise the rows are what they are without it.
        """
        if self.suspects is None or batch.y.shape[-1] < _SHORT:
            return np.arange(len(batch.y)), self.of(batch)
        if so_far > -math.inf:
            least = least_near(so_far, self.blur)
            if not self.suspects(batch, lambda some: least).size:
                return np.empty(0, np.int64), np.empty(0)
        seen: dict[bytes, Array] = {}

        def values(some: Rows) -> Array:
            key = some.tobytes()
            if key not in seen:
                seen[key] = self.of(batch.rows(some))
            return seen[key]

        def reach(some: Rows) -> float:
            return least_near(float(np.fmax.reduce(values(some), axis=None)), self.blur)

        chosen = self.suspects(batch, reach)
        return chosen, values(chosen) if chosen.size else np.empty(0)

    @property
    def summary(self) -> str:
        """The first line of the function's docstring."""
        return (self.of.__doc__ or "").strip().split("\n")[0]


# Errors in ulp come from the screen, of softmax to 2**-36 ulp or better.
_ULP_BLUR = 1e-9

METRICS = (
    Metric(
        "max_ulp",
        ulp.absolute,
        "max",
        "ulp",
        _ULP_BLUR,
        reaching(ulp.largest),
        of_any_result=True,
        of_elements=True,
    ),
    Metric(
        "max_ulp_probable",
        ulp.probable,
        "max",
        "ulp",
        _ULP_BLUR,
        reaching(ulp.probable_at_most),
        of_elements=True,
    ),
    Metric(
        "max_vs_input_rounding",
        ulp.versus_input_rounding,
        "max",
        "input changes",
        _ULP_BLUR,
        ulp.versus_input_rounding_suspects,
        of_any_result=True,
        of_elements=True,
    ),
    Metric("sum_defect", rows.sum_defect, "max", "", None, reaching(rows.sum_defect_at_most)),
    Metric(
        "order_inversions",
        order.order_inversions,
        "sum",
        "pairs",
        suspects=other_than_zero(order.inversions_possible),
    ),
    Metric("argmax_flips", order.argmax_flips, "sum", "rows"),
    Metric(
        "total_variation",
        rows.total_variation,
        "max",
        "",
        suspects=reaching(rows.total_variation_at_most),
    ),
    Metric(
        "kl_divergence",
        rows.kl_divergence,
        "max",
        "nats",
        suspects=reaching(rows.kl_divergence_at_most),
    ),
    Metric(
        "wrongly_zero",
        rows.wrongly_zero,
        "sum",
        "elements",
        suspects=other_than_zero(rows.zeros_possible),
    ),
)
