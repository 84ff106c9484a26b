"""How the error is distributed: how many elements err by more than so much."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from softmax_harness.judgement.outcomes import OUTCOMES

from softmax_reports.facts import REFERENCE, listed, scope
from softmax_reports.labels import label_ends
from softmax_reports.numbers import digits, in_order
from softmax_reports.section import Panel, Paragraph, Picture, Section
from softmax_reports.style import MUTED, log_ticks, looks, panel

if TYPE_CHECKING:
    from softmax_harness.run.results import Run

_FAMILIES = ("normal-1", "normal-10")
_NEAREST = [each for each in OUTCOMES if each.is_nearest]
_KEYS = ["dtype", "implementation", "log2_ulp"]


def distribution(run: Run) -> Section | None:
    """The part of the elements beyond each error, on normal logits of moderate scale."""
    table = run.tables.get("histograms")
    if table is None:
        return None
    table = table[table["family"].isin(_FAMILIES)]
    if table.empty:
        return None
    families = listed(list(dict.fromkeys(table["family"])))
    counts = table.groupby(_KEYS, as_index=False)["elements"].sum()
    return Section(
        "How the error is distributed",
        [
            *(Paragraph(text) for text in _conclusions(run.results)),
            Picture(
                "distribution",
                "Part of the elements whose error exceeds the value on the horizontal axis, "
                f"{families}, all n. The vertical line is at half an ulp, where correctly rounded "
                "results end. A line that ends further right has a larger largest error.",
                _panels(run, counts),
            ),
        ],
    )


def _conclusions(results: pd.DataFrame) -> list[str]:
    """Who rounds the most elements correctly, and who the fewest, in each dtype."""
    cells = results[results["family"].isin(_FAMILIES) & (results["implementation"] != REFERENCE)]
    cells = cells.assign(right=cells[_NEAREST].sum(axis=1))
    sums = cells.groupby(["dtype", "implementation"])[["right", "elements"]].sum()
    part = sums["right"] / sums["elements"]
    sentences = []
    for dtype in in_order(part.index.get_level_values("dtype")):
        rows = part.xs(dtype, level="dtype").sort_values(ascending=False)
        measured = f"{dtype} ({scope(cells[cells['dtype'] == dtype])})"
        sentences.append(f"{measured}: {_most_and_fewest(rows)}.")
    return sentences or ["Only the exact reference was measured."]


def _most_and_fewest(rows: pd.Series) -> str:
    most, fewest = _percent(rows.iloc[0]), _percent(rows.iloc[-1])
    if len(rows) == 1:
        return f"{rows.index[0]} rounds {most} of the elements correctly"
    if rows.iloc[0] == rows.iloc[-1]:
        return f"each of {len(rows)} implementations rounds {most} of the elements correctly"
    return (
        f"{rows.index[0]} rounds the most elements correctly, {most} of them, and "
        f"{rows.index[-1]} the fewest, {fewest}"
    )


def _percent(part: float) -> str:
    """Cut, not rounded, so that 100 % means all."""
    return f"{math.floor(1e4 * part) / 100:g} %"


def _panels(run: Run, counts: pd.DataFrame) -> list[Panel]:
    styles = looks(run.results["implementation"].unique())
    return [
        _panel(dtype, counts[counts["dtype"] == dtype], styles)
        for dtype in in_order(counts["dtype"])
    ]


def _panel(dtype: str, counts: pd.DataFrame, styles: dict[str, dict[str, Any]]) -> Panel:
    figure, axis = panel(3.4)
    axis.set(title=dtype, xlabel="error (ulp)", ylabel="part of the elements beyond it")
    axis.set(xscale="log", yscale="log")
    ends, tips, least = [], {}, 1.0
    for place, (name, bins) in enumerate(counts.groupby("implementation")):
        bins = bins.sort_values("log2_ulp")
        beyond = bins["elements"][::-1].cumsum()[::-1] / bins["elements"].sum()
        style = styles[str(name)] | {"markevery": max(1, len(bins) // 8), "gid": f"tip-{place}"}
        axis.plot(np.exp2(bins["log2_ulp"]), beyond, **style)
        last = float(np.exp2(bins["log2_ulp"].iloc[-1]))
        ends.append((str(name), last, float(beyond.iloc[-1]), style["color"]))
        tips[f"tip-{place}"] = f"{name}: ends at {digits(last)} ulp"
        least = min(least, float(beyond.iloc[-1]))
    axis.axvline(0.5, color=MUTED, linewidth=0.8)
    axis.set_xlim(2.0**-8, 1.5 * max(2.0, *(x for _, x, _, _ in ends)))
    axis.set_ylim(least / 1.5, 1.2)
    log_ticks(axis, "x", 5)
    log_ticks(axis, "y")
    label_ends(axis, sorted(ends, key=lambda each: each[1]))
    return Panel(
        dtype, f"Part of the elements whose error exceeds a value in {dtype}", figure, tips
    )
