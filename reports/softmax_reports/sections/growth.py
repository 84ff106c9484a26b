"""How the error and the bound of its theorem grow with n and with the range of the logits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from softmax_harness.judgement.outcomes import BROKEN

from softmax_reports.numbers import digits, in_order
from softmax_reports.section import Paragraph, Picture, Section
from softmax_reports.style import line_styles, panels, shared_legend

if TYPE_CHECKING:
    from softmax_harness.run.results import Run

_FAMILY = "normal-1"
_RANGE_N = 64

_THEOREMS = (
    "Bounds are those of Blanchard, Higham & Higham (2021), derived again with all higher-order "
    "terms and with the errors of exp and log as measured on this machine. Two printed bounds are "
    "corrected: exp(x − lse) gets the rounding of a + log s, and the shifted lse that of its last "
    "addition, without which [1000, 1000] in float32 errs by 488 u where 4.4 u were promised. They "
    "take the sum as one addition after another; NumPy’s pairwise sum stays far below them at "
    "large "
    "n. Where (n − 1)u ≥ 1, in float16 from n = 2049 on, no bound exists, and none is drawn."
)


def growth(run: Run) -> Section | None:
    """Two figures: against n on normal logits, against scale on evenly spaced ones."""
    parts: list[Paragraph | Picture] = [Paragraph(_conclusion(run.results)), Paragraph(_THEOREMS)]
    cells = run.results[(run.results["family"] == _FAMILY) & (run.results["n"] > 1)]
    if len(cells):
        parts.append(
            Picture(
                "growth-with-n",
                f"Largest error against n, family {_FAMILY}. Marks: measured, a lower bound of the "
                "true maximum. Thin line of the same colour: the bound of its theorem.",
                "Largest error in ulp against the length of a row, one panel for each dtype",
                _figure(run, cells, "n", "n"),
            )
        )
    planes = run.tables.get("planes", pd.DataFrame(columns=["family", "n"]))
    ranged = planes[(planes["family"] == "scale-plane") & (planes["n"] == _RANGE_N)]
    if len(ranged):
        parts.append(
            Picture(
                "growth-with-range",
                f"Largest error of a row against the range of its logits, n = {_RANGE_N}, evenly "
                "spaced. Forms that subtract the maximum round the difference, so their error "
                "grows "
                "with the range until the results underflow; the naive form has no such step, and "
                "is "
                "better until it breaks, where its line ends.",
                "Largest error in ulp against the range of the logits, one panel for each dtype",
                _figure(run, _before_breaking(ranged), "coordinate", "range of the logits"),
            )
        )
    return Section("How the error grows with n and with range", parts) if parts[2:] else None


def _before_breaking(cells: pd.DataFrame) -> pd.DataFrame:
    broken = cells[[*BROKEN]].sum(axis=1) > 0
    return cells.assign(max_ulp=cells["max_ulp"].where(~broken))


def _conclusion(results: pd.DataFrame) -> str:
    bounded = results[results["bound_ulp"].notna() & np.isfinite(results["bound_ulp"])]
    bounded = bounded[bounded["bound_ulp"] > 1]  # where more than the last rounding is bounded
    if bounded.empty:
        return "No theorem bounds what was measured."
    ratio = bounded["max_ulp"] / bounded["bound_ulp"]
    worst = bounded.loc[ratio.idxmax()]
    over = int((ratio > 1).sum())
    closest = (
        f"{worst['implementation']} in {worst['dtype']} on {worst['family']}, n = {worst['n']}"
    )
    if over:
        return (
            f"{over} of {len(bounded)} cells err by more than the bound of their theorem allows, "
            "the "
            f"furthest {closest}, by a factor of {digits(ratio.max())}: either the implementation "
            "or "
            "what it declares of itself is wrong."
        )
    return (
        f"All {len(bounded)} cells that a theorem bounds, above 1 ulp, keep within it; the "
        "closest is "
        f"{closest}, at {digits(ratio.max())} of it."
    )


def _figure(run: Run, cells: pd.DataFrame, x: str, label: str) -> Figure:
    dtypes = in_order(cells["dtype"])
    figure, axes = panels(1, len(dtypes), 3.7)
    styles = line_styles(run)
    for axis, dtype in zip(axes[0], dtypes, strict=True):
        for name, line in cells[cells["dtype"] == dtype].groupby("implementation"):
            _line(axis, line.sort_values(x), x, styles[str(name)], str(name))
        axis.set(title=dtype, xlabel=label, xscale="log", yscale="log")
    axes[0][0].set_ylabel("largest error (ulp)")
    shared_legend(figure, axes)
    return figure


def _line(axis: Any, line: pd.DataFrame, x: str, style: dict[str, Any], name: str) -> None:
    every = max(1, len(line) // 12)
    axis.plot(
        line[x], line["max_ulp"].where(line["max_ulp"] > 0), label=name, markevery=every, **style
    )
    bound = line["bound_ulp"].where(np.isfinite(line["bound_ulp"]))
    axis.plot(line[x], bound, color=style["color"], linewidth=0.7, alpha=0.8)
