"""Where each implementation breaks: offset or scale of the logits against n, by outcome."""

from __future__ import annotations

import math
import textwrap
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from softmax_harness.ground.formats import FORMATS, Format
from softmax_harness.judgement.outcomes import OUTCOMES, Outcome

from softmax_reports.facts import REFERENCE, breaks, broken_elements, full_scope, listed, sum_is_off
from softmax_reports.numbers import digits, in_order
from softmax_reports.section import Paragraph, Picture, Section
from softmax_reports.style import panels

if TYPE_CHECKING:
    from softmax_harness.run.results import Run

# A map shows the worst outcome of a row.
_BY_SEVERITY = sorted(OUTCOMES, key=lambda outcome: outcome.severity)
_PLANES = {
    "offset-plane": (
        "offset c, all logits equal to c",
        (
            "Common offset against n. All logits equal c, so the exact result is 1/n everywhere. "
            "On the dotted line exp(c) rounds to 0, on the dash-dotted line it becomes subnormal, "
            "on the dashed line the sum n exp(c) overflows."
        ),
    ),
    "scale-plane": (
        "scale, logits evenly spaced over it",
        (
            "Scale against n. The logits are evenly spaced from −scale/2 to scale/2. On the "
            "dash-dotted line the smallest exact result becomes subnormal, on the dotted line it "
            "rounds to 0, on the dashed line the sum of exp(x) overflows."
        ),
    ),
}


def phase_maps(run: Run) -> Section | None:
    """One figure for each plane that was measured: a row of maps per implementation."""
    planes = run.tables.get("planes")
    if planes is None:
        return None
    parts: list[Paragraph | Picture] = [Paragraph(_conclusion(run.results, planes))]
    for family, (label, caption) in _PLANES.items():
        cells = planes[planes["family"] == family]
        if len(cells):
            parts.append(Picture(family, caption, f"Phase maps: {label}", _figure(cells, label)))
    return Section("Where each breaks", parts)


def _conclusion(results: pd.DataFrame, planes: pd.DataFrame) -> str:
    """Who breaks on the planes and who does not; offsets at which elements are broken."""
    cells = results[
        results["family"].isin(planes["family"].unique()) & (results["implementation"] != REFERENCE)
    ]
    if cells.empty:
        return "Only the exact reference was measured on these planes."
    broken = sorted(cells[breaks(cells)]["implementation"].unique())
    kept = sorted(set(cells["implementation"]) - {*broken})
    told = [f"On these planes ({full_scope(cells)})"]
    if broken:
        told += [f"{listed(broken)} break" + ("" if broken[1:] else "s")]
    if kept:
        told += [f"{listed(kept)} never break" + ("" if kept[1:] else "s")]
    sentences = [f"{told[0]} {', '.join(told[1:])}.", *_offsets(planes), *_sums(cells)]
    return " ".join(sentences)


def _offsets(planes: pd.DataFrame) -> list[str]:
    """From which common offset on elements are broken, by implementation and dtype."""
    lost = planes[(broken_elements(planes) > 0) & (planes["family"] == "offset-plane")]
    ranges = []
    for (name, dtype), cells in lost.groupby(["implementation", "dtype"]):
        above, below = cells[cells["coordinate"] > 0], cells[cells["coordinate"] < 0]
        sides = []
        if len(above):
            sides.append(f"from {above['coordinate'].min():.4g} up")
        if len(below):
            sides.append(f"from {below['coordinate'].max():.4g} down")
        ranges.append(f"{name} in {dtype} {' and '.join(sides)}")
    if not ranges:
        return []
    return [f"A common offset breaks elements: {'; '.join(ranges)} (the nearest grid points)."]


def _sums(cells: pd.DataFrame) -> list[str]:
    """Of each implementation whose rows do not sum to 1 the one that is furthest off."""
    off = cells[sum_is_off(cells)]
    worst = off.loc[off.groupby("implementation")["sum_defect"].idxmax()]
    return [
        f"A row’s sum in {each['implementation']} is off by up to {digits(each['sum_defect'])} "
        f"({each['dtype']}, {each['family']}, n = {each['n']})."
        for _, each in worst.iterrows()
    ]


def _figure(cells: pd.DataFrame, label: str) -> Figure:
    dtypes = in_order(cells["dtype"])
    names = sorted(cells["implementation"].unique())
    figure, axes = panels(len(names), len(dtypes), 1.25 * len(names) + 1.4, sharey=True)
    for row, name in enumerate(names):
        for column, dtype in enumerate(dtypes):
            axis = axes[row][column]
            chosen = cells[(cells["implementation"] == name) & (cells["dtype"] == dtype)]
            if chosen.empty:
                axis.text(0.5, 0.5, "not supported", transform=axis.transAxes, ha="center")
                axis.set(xticks=[])
                continue
            _map(axis, chosen)
            _thresholds(axis, FORMATS[dtype], str(chosen["family"].iloc[0]))
            if row == 0:
                axis.set_title(dtype)
            if row == len(names) - 1:
                axis.set_xlabel(label)
        axes[row][0].set_ylabel(f"{textwrap.fill(name, 14)}\nn")
    present = [_BY_SEVERITY[place] for place in sorted(_worst(cells).unique())]
    figure.legend(
        handles=[Patch(fc=each.colour, ec="#555555", label=_label(each)) for each in present],
        loc="outside lower center",
        ncols=min(len(present), 4),
    )
    return figure


def _label(outcome: Outcome) -> str:
    """Its letter and its meaning, or the meaning alone of a result to which nothing happened."""
    nothing_happened = outcome.is_good and not outcome.is_underflow
    return outcome.meaning if nothing_happened else f"{outcome.letter}  {outcome.meaning}"


def _worst(cells: pd.DataFrame) -> pd.Series:
    """The worst outcome in each row of the table, as a place in `_BY_SEVERITY`."""
    found = [(cells[each] > 0) * place for place, each in enumerate(_BY_SEVERITY)]
    return pd.Series(np.max(found, axis=0), index=cells.index)


def _map(axis: Any, cells: pd.DataFrame) -> None:
    grid = (
        cells.assign(place=_worst(cells))
        .pivot(index="n", columns="coordinate", values="place")
        .sort_index()
    )
    colours = ListedColormap([each.colour for each in _BY_SEVERITY])
    axis.pcolormesh(
        grid.columns,
        np.log2(grid.index),
        grid.to_numpy(),
        cmap=colours,
        norm=BoundaryNorm(np.arange(len(OUTCOMES) + 1) - 0.5, len(OUTCOMES)),
        shading="nearest",
        rasterized=True,
    )
    if (grid.columns > 0).all():
        axis.set_xscale("log")
    exponents = np.log2(grid.index.to_numpy())
    ticks = exponents[:: max(1, len(exponents) // 4)]
    axis.set_yticks(ticks, [f"{2 ** int(each)}" for each in ticks])
    axis.grid(False)
    _letters(axis, grid)


def _letters(axis: Any, grid: pd.DataFrame) -> None:
    """Each outcome's letter in the middle of its longest stretch along the middle row."""
    middle = grid.iloc[len(grid) // 2].to_numpy()
    edges = np.flatnonzero(np.diff(middle)) + 1
    starts, stops = [0, *edges], [*edges, len(middle)]
    longest: dict[int, tuple[int, int]] = {}
    for start, stop in zip(starts, stops, strict=True):
        worst = int(middle[start])
        if stop - start > longest.get(worst, (0, 2))[1] - longest.get(worst, (0, 0))[0]:
            longest[worst] = (start, stop)
    for worst, (start, stop) in longest.items():
        colour, letter = _BY_SEVERITY[worst].colour, _BY_SEVERITY[worst].letter
        place = grid.columns[(start + stop) // 2]
        dark = sum(int(colour[at : at + 2], 16) for at in (1, 3, 5)) < 380
        height = np.log2(grid.index[len(grid) // 2])
        axis.text(place, height, letter, ha="center", va="center", color="w" if dark else "k")


def _thresholds(axis: Any, format: Format, family: str) -> None:
    """The lines that theory draws, whatever was measured."""
    low, high = axis.get_ylim()
    n = 2.0 ** np.linspace(low, high, 64)
    overflow = math.log(format.largest)
    subnormal, zero = (
        -math.log(format.smallest_normal),
        math.log(2) - math.log(format.smallest_subnormal),
    )
    if family == "offset-plane":
        lines = [(overflow - np.log(n), "--"), (-subnormal + 0 * n, "-."), (-zero + 0 * n, ":")]
    else:
        left, right = axis.get_xlim()
        scales = np.geomspace(left, right, 400)
        lines = [
            (_reached(scales, n, 0.5, overflow), "--"),
            (_reached(scales, n, 1.0, subnormal), "-."),
            (_reached(scales, n, 1.0, zero), ":"),
        ]
    for x, dash in lines:
        axis.plot(x, np.log2(n), dash, color="#222222", linewidth=1)


def _reached(scales: Any, n: Any, part: float, limit: float) -> Any:
    """The scale at which part * scale + log(sum of exp(-scale j / (n - 1))) is `limit`, for each n.

    With part 1 that is -log of the smallest result, with 1/2 the log of the naive sum. The sum is
    the geometric series (1 - q^n) / (1 - q) with q = exp(-scale / (n - 1)).
    """
    step = scales / np.maximum(n[:, None] - 1, 1)
    depth = part * scales + np.log(np.expm1(-step * n[:, None]) / np.expm1(-step))
    return np.array([np.interp(limit, row, scales) for row in depth])
