"""Where each implementation breaks: offset or scale of the logits against n, by outcome."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from softmax_harness.ground.formats import FORMATS, Format
from softmax_harness.judgement.outcomes import OUTCOMES, Outcome

from softmax_reports.facts import REFERENCE, breaks, broken_elements, full_scope, listed, sum_is_off
from softmax_reports.maps import COLUMNS, Look, Map, Scale, small_maps
from softmax_reports.numbers import counted, digits, in_order, whole
from softmax_reports.section import Folded, Panel, Paragraph, Part, Picture, Section
from softmax_reports.style import round_numbers, tick_text

if TYPE_CHECKING:
    from softmax_harness.run.results import Run

# A map shows the worst outcome of a row if that is not its error; else the size of the error.
_BY_SEVERITY = sorted(OUTCOMES, key=lambda outcome: outcome.severity)
_DRAWN = [each for each in OUTCOMES if each.is_broken or each is Outcome.FLUSHED_SUBNORMAL]
# Errors in ulp up to which a shade goes, light to dark; what was lost has colours of its own.
_SHADES = (
    (0.51, Look("#ffffff", "", "up to 0.51 ulp")),
    (2.0, Look("#fdf3cd", "", "up to 2 ulp")),
    (16.0, Look("#f9dd83", "", "up to 16 ulp")),
    (256.0, Look("#efb63f", "", "up to 256 ulp")),
    (65536.0, Look("#d98a1f", "", "up to 65,536 ulp")),
    (math.inf, Look("#9a5a12", "", "more")),
)
_LOOKS = [
    *(look for _, look in _SHADES),
    *(Look(each.colour, each.letter, each.meaning) for each in _BY_SEVERITY),
]
_MOST_MAPS = 15
_NAMED = 6  # of those that never break; the maps name all
_LETTERS = 72  # that have room in a line above the maps of a figure
_POINTS = 128  # of a line: less than half a point of paper apart
_SHADING = (
    "The darker the shade, the larger the error; letters and other colours tell what was lost. "
    "Implementations whose maps are equal share one."
)
_PLANES = {
    "offset-plane": (
        "offset c",
        (
            "Common offset against n. All logits equal c: softmax gives 1/n everywhere. "
            "On the dotted line exp(c) rounds to 0, on the dash-dotted line it becomes subnormal, "
            "on the dashed line the sum n exp(c) overflows."
        ),
    ),
    "scale-plane": (
        "scale of the logits",
        (
            "Scale against n. The logits are evenly spaced from −scale/2 to scale/2. On the "
            "dash-dotted line the smallest result of softmax becomes subnormal, on the dotted "
            "line it rounds to 0, on the dashed line the sum of exp(x) overflows."
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
    if kept[_NAMED:]:
        told += [f"the {'other ' if broken else ''}{len(kept)} implementations never break"]
    elif kept:
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
            sides.append(f"from {_signed(above['coordinate'].min())} up")
        if len(below):
            sides.append(f"from {_signed(below['coordinate'].max())} down")
        ranges.append(f"{name} in {dtype} {' and '.join(sides)}")
    if not ranges:
        return []
    return [f"A common offset breaks elements: {'; '.join(ranges)} (the nearest points tried)."]


def _signed(value: float) -> str:
    return f"{value:.4g}".replace("-", "−")


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
    left_out = sum(len(names) for names, _ in shared[_MOST_MAPS:])
    more = f"; {counted(left_out, 'implementation')} more not drawn" if left_out else ""
    family = str(cells["family"].iloc[0])
    width = _LETTERS // min(COLUMNS, len(shared))
    maps = [
        _map(_title(names, width), grid, FORMATS[dtype], family)
        for names, grid in shared[:_MOST_MAPS]
    ]
    return small_maps(f"{dtype}{more}", (label, "n"), maps, _LOOKS)


def _shared(cells: pd.DataFrame) -> list[tuple[list[str], pd.DataFrame]]:
    """The maps and whose they are, those on which most is lost first."""
    found: dict[bytes, tuple[list[str], pd.DataFrame]] = {}
    for name, own in cells.groupby("implementation"):
        grid = own.pivot(index="n", columns="coordinate", values="kind").sort_index()
        found.setdefault(grid.to_numpy().tobytes(), ([], grid))[0].append(str(name))
    return sorted(found.values(), key=lambda each: -int((each[1].to_numpy() >= len(_SHADES)).sum()))


def _title(names: list[str], width: int) -> list[str]:
    """The names in lines of so many letters; of many the first, and how many there are."""
    lines = textwrap.wrap(", ".join(names), width, break_on_hyphens=False)
    return [*lines[:2], f"and {len(names)} in all"] if lines[3:] else lines


def _kinds(cells: pd.DataFrame) -> pd.Series:
    """How each row of the table is drawn: the size of its error, or behind these what was lost."""
    errors = np.searchsorted([limit for limit, _ in _SHADES[:-1]], cells["max_ulp"].fillna(0.0))
    worst = _worst(cells)
    lost = worst.map(lambda place: _BY_SEVERITY[place] in _DRAWN)
    drawn = worst.map(lambda place: len(_SHADES) + place)
    return pd.Series(np.where(lost, drawn, errors), index=cells.index)


def _worst(cells: pd.DataFrame) -> pd.Series:
    """The worst outcome in each row of the table, as a place in `_BY_SEVERITY`."""
    found = [(cells[each] > 0) * place for place, each in enumerate(_BY_SEVERITY)]
    return pd.Series(np.max(found, axis=0), index=cells.index)


def _map(title: list[str], grid: pd.DataFrame, format: Format, family: str) -> Map:
    across, up = grid.columns.to_numpy(float), np.log2(grid.index.to_numpy(float))
    ticks = [(float(each), f"{2 ** int(each):,}") for each in up[:: max(1, len(up) // 3)]]
    x, y = _across(across), Scale(up, ticks)
    lines = list(_thresholds(x, y, format, family))
    return Map(title, x, y, grid.to_numpy(int), lines)


def _across(values: Any) -> Scale:
    """Offsets to either side of 0, or scales, which are spaced in ratio."""
    low, high = float(values.min()), float(values.max())
    if low > 0:
        places = round_numbers(low, high, 3)
        return Scale(values, [(each, tick_text(each)) for each in places], is_log=True)
    places = [low * 0.75, 0.0, high * 0.75]
    return Scale(values, [(each, _short(each)) for each in places])


def _short(value: float) -> str:
    shown = f"{value:.2g}" if abs(value) < 10 else f"{value:,.0f}"
    return shown.replace("-", "−")


def _thresholds(x: Scale, y: Scale, format: Format, family: str) -> Iterator[tuple[Any, Any, str]]:
    """The lines that theory draws, whatever was measured."""
    up = np.linspace(y.edges[0], y.edges[-1], _POINTS)
    n = np.exp2(up)
    overflow = math.log(format.largest)
    subnormal, zero = (
        -math.log(format.smallest_normal),
        math.log(2) - math.log(format.smallest_subnormal),
    )
    if family == "offset-plane":
        places = (overflow - np.log(n), -subnormal + 0 * n, -zero + 0 * n)
    else:
        scales = np.exp(np.linspace(x.edges[0], x.edges[-1], 400))
        limits = ((0.5, overflow), (1.0, subnormal), (1.0, zero))
        places = tuple(_reached(scales, n, *each) for each in limits)
    for across, dash in zip(places, ("--", "-.", ":"), strict=True):
        yield across, up, dash


def _reached(scales: Any, n: Any, part: float, limit: float) -> Any:
    """The scale at which part * scale + log(sum of exp(-scale j / (n - 1))) is `limit`, for each n.

    With part 1 that is -log of the smallest result, with 1/2 the log of the naive sum. The sum is
    the geometric series (1 - q^n) / (1 - q) with q = exp(-scale / (n - 1)).
    """
    step = scales / np.maximum(n[:, None] - 1, 1)
    depth = part * scales + np.log(np.expm1(-step * n[:, None]) / np.expm1(-step))
    return np.array([np.interp(limit, row, scales) for row in depth])
