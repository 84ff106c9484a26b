"""Plain functions of a batch: one metric, one function, one line in `METRICS`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from softmax_harness.metrics import order, rows, ulp
from softmax_harness.metrics.batch import Array, Batch
from softmax_harness.metrics.ulp import ulp_error
from softmax_harness.truth import Truth

__all__ = ["METRICS", "Batch", "Metric", "judged", "ulp_error"]


def judged(x: Array, y: Array, truth: Truth) -> Batch:
    """The batch of inputs x, computed outputs y and their truth."""
    return Batch(x, y, truth, truth.value, ulp_error(y, truth))


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
        How far beside a relative 1e-6 the screen's value may be from the exact one; None for what
        does not depend on the truth.
    """

    name: str
    of: Callable[[Batch], Array]
    combine: Literal["max", "sum"]
    unit: str
    blur: float | None = 0.0

    @property
    def summary(self) -> str:
        """The first line of the function's docstring."""
        return (self.of.__doc__ or "").strip().split("\n")[0]


# Errors in ulp come from the screen to 2**-36 ulp or better.
_ULP_BLUR = 1e-9

METRICS = (
    Metric("max_ulp", ulp.absolute, "max", "ulp", _ULP_BLUR),
    Metric("max_ulp_probable", ulp.probable, "max", "ulp", _ULP_BLUR),
    Metric("max_vs_input_rounding", ulp.versus_input_rounding, "max", "input changes", _ULP_BLUR),
    Metric("sum_defect", rows.sum_defect, "max", "", None),
    Metric("order_inversions", order.order_inversions, "sum", "pairs"),
    Metric("argmax_flips", order.argmax_flips, "sum", "rows"),
    Metric("total_variation", rows.total_variation, "max", ""),
    Metric("kl_divergence", rows.kl_divergence, "max", "nats"),
    Metric("wrongly_zero", rows.wrongly_zero, "sum", "elements"),
)
