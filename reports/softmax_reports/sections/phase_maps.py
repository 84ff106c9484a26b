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
from softmax_reports.numbers import counted, digits, in_order, whole
from softmax_reports.section import Folded, Panel, Paragraph, Part, Picture, Section
from softmax_reports.style import MUTED, WIDTH, log_ticks

if TYPE_CHECKING:
    from softmax_harness.run.results import Run

# A map shows the worst outcome of a row if that is not its error; else the size of the error.
_BY_SEVERITY = sorted(OUTCOMES, key=lambda outcome: outcome.severity)
_DRAWN = [each for each in OUTCOMES if each.is_broken or each is Outcome.FLUSHED_SUBNORMAL]
# Errors in ulp up to which a shade goes, light to dark; what was lost has colours of its own.
_SHADES = (
    (0.51, "#ffffff", "", "up to 0.51 ulp"),
    (2.0, "#fdf3cd", "", "up to 2 ulp"),
    (16.0, "#f9dd83", "", "up to 16 ulp"),
    (256.0, "#efb63f", "", "up to 256 ulp"),
    (65536.0, "#d98a1f", "", "up to 65,536 ulp"),
    (math.inf, "#9a5a12", "", "more"),
)
_LOOKS = [
    *((colour, letter, text) for _, colour, letter, text in _SHADES),
    *((each.colour, each.letter, f"{each.letter}  {each.meaning}") for each in _BY_SEVERITY),
]
_COLUMNS, _MOST_MAPS = 3, 12
_SHADING = (
    "The darker the shade, the larger the error; letters and other colours tell what was lost. "
    "Implementations whose maps are equal share one."
)
_PLANES = {
    "offset-plane": (
        "offset c",
        (
            "Common offset against n. All logits equal c, so the exact result is 1/n everywhere. "
            "On the dotted line exp(c) rounds to 0, on the dash-dotted line it becomes subnormal, "
            "on the dashed line the sum n exp(c) overflows."
        ),
    ),
    "scale-plane": (
        "scale of the logits",
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
    first, *others = _conclusion(run.results, planes)
    parts: list[Part] = [Paragraph(first)]
    for family, (label, caption) in _PLANES.items():
        cells = planes[planes["family"] == family]
        if len(cells):
            parts.append(Picture(family, f"{caption} {_SHADING}", _panels(cells, label)))
    if others:
        parts.append(Folded("From where on each breaks", [Paragraph(text) for text in others]))
    return Section("Where each breaks", parts)


def _conclusion(results: pd.DataFrame, planes: pd.DataFrame) -> list[str]:
    """Who breaks on the planes and who does not; offsets at which elements are broken."""
    cells = results[
        results["family"].isin(planes["family"].unique()) & (results["implementation"] != REFERENCE)
    ]
    if cells.empty:
        return ["Only the exact reference was measured on these planes."]
    broken = sorted(cells[breaks(cells)]["implementation"].unique())
    kept = sorted(set(cells["implementation"]) - {*broken})
    told = [f"On these planes ({full_scope(cells)})"]
    if broken:
        told += [f"{listed(broken)} break" + ("" if broken[1:] else "s")]
    if kept:
        told += [f"{listed(kept)} never break" + ("" if kept[1:] else "s")]
    return [f"{told[0]} {'; '.join(told[1:])}.", *_offsets(planes), *_sums(cells)]


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
        f"({each['dtype']}, {each['family']}, n = {whole(each['n'])})."
        for _, each in worst.iterrows()
    ]


def _panels(cells: pd.DataFrame, label: str) -> list[Panel]:
    return [
        Panel(dtype, f"Phase maps in {dtype}: {label}", _figure(dtype, own, label))
        for dtype in in_order(cells["dtype"])
        if len(own := cells[cells["dtype"] == dtype])
    ]


def _figure(dtype: str, cells: pd.DataFrame, label: str) -> Figure:
    """A small map for each implementation; those whose maps are equal share one."""
    cells = cells.assign(kind=_kinds(cells))
    shared = _shared(cells)
    groups, left_out = shared[:_MOST_MAPS], sum(len(names) for names, _ in shared[_MOST_MAPS:])
    columns = min(_COLUMNS, len(groups))
    rows = -(-len(groups) // columns)
    present = sorted({int(kind) for _, grid in groups for kind in np.unique(grid.to_numpy())})
    height = 1.22 * rows + 0.5 + 0.17 * -(-len(present) // 3)
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
    for axis in axes.flat[len(groups) :]:
        axis.set_visible(False)
    for axis, (names, grid) in zip(axes.flat, groups, strict=False):
        _map(axis, grid)
        _thresholds(axis, FORMATS[dtype], str(cells["family"].iloc[0]))
        axis.set_title(_title(names), fontsize=6.5, fontweight="normal", pad=2)
        axis.tick_params(labelsize=6)
    for place, axis in enumerate(axes.flat[: len(groups)]):
        axis.tick_params(labelbottom=place + columns >= len(groups))
    more = f"; {counted(left_out, 'implementation')} more not drawn" if left_out else ""
    figure.suptitle(f"{dtype}{more}", fontsize=9.5, fontweight="bold", x=0.02, ha="left")
    axes[-1][0].set_xlabel(label, fontsize=7, loc="left")
    figure.supylabel("n", fontsize=7.5)
    figure.legend(
        handles=[Patch(fc=_LOOKS[each][0], ec=MUTED, label=_LOOKS[each][2]) for each in present],
        loc="outside lower center",
        ncols=min(len(present), 3),
        fontsize=6.5,
        handlelength=1.2,
        columnspacing=1.0,
    )
    return figure


def _shared(cells: pd.DataFrame) -> list[tuple[list[str], pd.DataFrame]]:
    """The maps and whose they are, those on which most is lost first."""
    found: dict[bytes, tuple[list[str], pd.DataFrame]] = {}
    for name, own in cells.groupby("implementation"):
        grid = own.pivot(index="n", columns="coordinate", values="kind").sort_index()
        found.setdefault(grid.to_numpy().tobytes(), ([], grid))[0].append(str(name))
    return sorted(found.values(), key=lambda each: -int((each[1].to_numpy() >= len(_SHADES)).sum()))


def _title(names: list[str]) -> str:
    lines = textwrap.wrap(", ".join(names), 26)
    return "\n".join([*lines[:2], f"and {len(names)} in all"] if lines[3:] else lines)


def _kinds(cells: pd.DataFrame) -> pd.Series:
    """How each row of the table is drawn: the size of its error, or behind these what was lost."""
    errors = np.searchsorted([limit for limit, *_ in _SHADES[:-1]], cells["max_ulp"].fillna(0.0))
    worst = _worst(cells)
    lost = worst.map(lambda place: _BY_SEVERITY[place] in _DRAWN)
    drawn = worst.map(lambda place: len(_SHADES) + place)
    return pd.Series(np.where(lost, drawn, errors), index=cells.index)


def _worst(cells: pd.DataFrame) -> pd.Series:
    """The worst outcome in each row of the table, as a place in `_BY_SEVERITY`."""
    found = [(cells[each] > 0) * place for place, each in enumerate(_BY_SEVERITY)]
    return pd.Series(np.max(found, axis=0), index=cells.index)


def _map(axis: Any, grid: pd.DataFrame) -> None:
    axis.pcolormesh(
        grid.columns,
        np.log2(grid.index),
        grid.to_numpy(),
        cmap=ListedColormap([colour for colour, _, _ in _LOOKS]),
        norm=BoundaryNorm(np.arange(len(_LOOKS) + 1) - 0.5, len(_LOOKS)),
        shading="nearest",
        rasterized=True,
    )
    low, high = float(grid.columns.min()), float(grid.columns.max())
    if low > 0:
        axis.set_xscale("log")
        log_ticks(axis, "x", 3)
    else:
        axis.set_xticks(
            [low * 0.75, 0.0, high * 0.75], [_short(low * 0.75), "0", _short(high * 0.75)]
        )
    exponents = np.log2(grid.index.to_numpy())
    ticks = exponents[:: max(1, len(exponents) // 3)]
    axis.set_yticks(ticks, [f"{2 ** int(each):,}" for each in ticks])
    axis.grid(False)
    _letters(axis, grid)


def _short(value: float) -> str:
    return f"{value:.2g}" if abs(value) < 10 else f"{value:,.0f}"


def _letters(axis: Any, grid: pd.DataFrame) -> None:
    """Each outcome's letter in the middle of its longest stretch along the middle row."""
    middle = grid.iloc[len(grid) // 2].to_numpy()
    edges = np.flatnonzero(np.diff(middle)) + 1
    starts, stops = [0, *edges], [*edges, len(middle)]
    longest: dict[int, tuple[int, int]] = {}
    for start, stop in zip(starts, stops, strict=True):
        kind = int(middle[start])
        if stop - start > longest.get(kind, (0, 4))[1] - longest.get(kind, (0, 0))[0]:
            longest[kind] = (start, stop)
    for kind, (start, stop) in longest.items():
        colour, letter, _ = _LOOKS[kind]
        dark = sum(int(colour[at : at + 2], 16) for at in (1, 3, 5)) < 380
        place, height = grid.columns[(start + stop) // 2], np.log2(grid.index[len(grid) // 2])
        ink = "#ffffff" if dark else "#000000"
        axis.text(place, height, letter, ha="center", va="center", color=ink, fontsize=7)


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
        axis.plot(x, np.log2(n), dash, color="#222222", linewidth=0.8)


def _reached(scales: Any, n: Any, part: float, limit: float) -> Any:
    """The scale at which part * scale + log(sum of exp(-scale j / (n - 1))) is `limit`, for each n.

    With part 1 that is -log of the smallest result, with 1/2 the log of the naive sum. The sum is
    the geometric series (1 - q^n) / (1 - q) with q = exp(-scale / (n - 1)).
    """
    step = scales / np.maximum(n[:, None] - 1, 1)
    depth = part * scales + np.log(np.expm1(-step * n[:, None]) / np.expm1(-step))
    return np.array([np.interp(limit, row, scales) for row in depth])
