"""The error and the bound of its theorem, against n and against the range of the logits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from softmax_reports.facts import PAIR, REFERENCE, breaks, broken_elements, full_scope, listed
from softmax_reports.labels import label_ends
from softmax_reports.numbers import count, digits, in_order, whole
from softmax_reports.section import Folded, Panel, Paragraph, Part, Picture, Section
from softmax_reports.style import finite_range, log_ticks, looks, panel

if TYPE_CHECKING:
    from softmax_harness.run.results import Run

_FAMILY = "normal-1"
_RANGE_N = 64

_THEOREMS = (
    "The bounds are those of Blanchard, Higham & Higham (2021). They are derived again with all "
    "higher-order terms, and with the errors of exp and log as measured on this machine. Two "
    "printed bounds are corrected: the bound of exp(x − lse) now includes the rounding of a + "
    "log s, and the bound of the shifted lse includes the rounding of its last addition. The "
    "bounds assume that the sum adds one term after another. Where (n − 1)u ≥ 1 no bound exists, "
    "and none is drawn."
)


def growth(run: Run) -> Section | None:
    """Two figures: against n on normal logits, against scale on evenly spaced ones."""
    told = _conclusion(run.results)
    parts: list[Part] = [Paragraph(told), Paragraph(_THEOREMS)] if told else []
    cells = run.results[(run.results["family"] == _FAMILY) & (run.results["n"] > 1)]
    if len(cells):
        parts += _against_n(run, cells)
    planes = run.tables.get("planes", pd.DataFrame(columns=["family", "n"]))
    ranged = planes[(planes["family"] == "scale-plane") & (planes["n"] == _RANGE_N)]
    if len(ranged):
        parts += _against_range(run, _before_breaking(ranged))
    is_drawn = any(isinstance(part, Picture) for part in parts)
    return Section("The error against n and against range", parts) if is_drawn else None


def _against_n(run: Run, cells: pd.DataFrame) -> list[Part]:
    told = _trends(cells[~breaks(cells)], "n", f"{_FAMILY}, n from ")
    return [
        Picture(
            "growth-with-n",
            f"Largest error against n, family {_FAMILY}. Marks are measured: lower bounds of the "
            "true maximum. The thin line of the same colour is the bound of its theorem.",
            _panels(run, cells, "n", "n"),
        ),
        Folded("Whose error grows with n", [Paragraph(text) for text in told]),
    ]


def _against_range(run: Run, ranged: pd.DataFrame) -> list[Part]:
    spaced = f"evenly spaced logits, n = {_RANGE_N}, range from "
    told = [*_trends(ranged, "coordinate", spaced), *_naive_or_shifted(ranged)]
    return [
        Picture(
            "growth-with-range",
            f"Largest error of a row against the range of its logits, n = {_RANGE_N}, evenly "
            "spaced. A line ends where the implementation loses an element.",
            _panels(run, ranged, "coordinate", "range of the logits"),
        ),
        Folded("Whose error grows with the range", [Paragraph(text) for text in told]),
    ]


def _before_breaking(cells: pd.DataFrame) -> pd.DataFrame:
    """Errors up to the first range at which an element is broken; NaN from there on."""
    broken = cells["coordinate"].where(broken_elements(cells) > 0)
    first = broken.groupby([cells[each] for each in PAIR]).transform("min")
    ended = cells["coordinate"] >= first
    return cells.assign(max_ulp=cells["max_ulp"].where(~ended))


def _trends(cells: pd.DataFrame, by: str, unit: str) -> list[str]:
    """Whose error more than doubles from the least `by` to the one where it is largest."""
    cells = cells[(cells["implementation"] != REFERENCE) & cells["max_ulp"].notna()]
    told = []
    for dtype in in_order(cells["dtype"]):
        own = cells[cells["dtype"] == dtype]
        doubles, others = [], []
        for name, line in own.groupby("implementation"):
            first, most = line.sort_values(by)["max_ulp"].iloc[0], line["max_ulp"].max()
            if most > 2 * first:
                at = line.loc[line["max_ulp"].idxmax(), by]
                doubles.append(f"{name} ({digits(first)} to {digits(most)} ulp at {digits(at)})")
            else:
                others.append(str(name))
        between = f"{dtype}, {unit}{digits(own[by].min())} to {digits(own[by].max())}"
        told.append(" ".join(_of_doubling(between, doubles, others)))
    return told


def _of_doubling(between: str, doubles: list[str], others: list[str]) -> list[str]:
    told = [f"{between}: the error more than doubles for {listed(doubles)}."] if doubles else []
    begun = "It" if doubles else f"{between}: the error"
    return told + ([f"{begun} does not double for {listed(others)}."] if others else [])


def _naive_or_shifted(ranged: pd.DataFrame) -> list[str]:
    """At how many ranges, of those before naive breaks, each of the two forms errs less."""
    names = ["naive", "max-shifted"]
    both = ranged[ranged["implementation"].isin(names)].pivot_table(
        index=["dtype", "coordinate"], columns="implementation", values="max_ulp"
    )
    if not {*names} <= set(both.columns):
        return []
    both = both[names].dropna()
    told = []
    for dtype in in_order(both.index.get_level_values("dtype")):
        naive, shifted = both.xs(dtype, level="dtype").to_numpy().T
        told.append(
            f"{dtype}, evenly spaced logits, n = {_RANGE_N}, {len(naive)} ranges up to "
            f"{digits(both.xs(dtype, level='dtype').index.max())}, before either breaks: "
            f"{_of_two((naive < shifted).sum(), (naive > shifted).sum())}."
        )
    return told


def _of_two(naive: int, shifted: int) -> str:
    """Who errs less more often."""
    if naive == shifted:
        return f"naive and max-shifted err less equally often, at {naive} each"
    if naive > shifted:
        return f"naive errs less than max-shifted at {naive} of them, more at {shifted}"
    return f"max-shifted errs less than naive at {shifted} of them, more at {naive}"


def _conclusion(results: pd.DataFrame) -> str:
    bounded = results[results["bound_ulp"].notna() & np.isfinite(results["bound_ulp"])]
    bounded = bounded[bounded["bound_ulp"] > 1]  # where more than the last rounding is bounded
    if bounded.empty:
        return ""
    ratio = bounded["max_ulp"] / bounded["bound_ulp"]
    worst = bounded.loc[ratio.idxmax()]
    over = int((ratio > 1).sum())
    where = (
        f"{worst['implementation']} in {worst['dtype']} on {worst['family']}, "
        f"n = {whole(worst['n'])}"
    )
    if over:
        return (
            f"{count(over, len(bounded), 'cells')}, of {full_scope(bounded)}, err by more than "
            f"the bound of their theorem allows. The furthest is {where}, by a factor of "
            f"{digits(ratio.max())}. Either the implementation or its declaration is wrong."
        )
    return (
        f"All {whole(len(bounded))} cells with a theorem’s bound above 1 ulp "
        f"({full_scope(bounded)}) stay within it. The closest is {where}: its error is "
        f"{digits(ratio.max())} of the bound."
        f"{_at_the_longest(bounded, ratio)}"
    )


def _at_the_longest(bounded: pd.DataFrame, ratio: pd.Series) -> str:
    """How much of the bound is used in the longest rows that have one, by dtype."""
    told = []
    for dtype in in_order(bounded["dtype"]):
        own = bounded[bounded["dtype"] == dtype]
        longest = own[own["n"] == own["n"].max()]
        told.append(
            f"{digits(ratio[longest.index].max())} at n = {whole(longest['n'].max())} in {dtype}"
        )
    return f" At the longest rows with a bound the largest part of it used is {listed(told)}."


def _panels(run: Run, cells: pd.DataFrame, x: str, label: str) -> list[Panel]:
    styles = looks(run.results["implementation"].unique())
    return [
        _panel(dtype, cells[cells["dtype"] == dtype], x, label, styles)
        for dtype in in_order(cells["dtype"])
    ]


# That is drawn: with its margins an axis of Matplotlib overflows at 1e300, beyond which errors of
# results of 0 may lie.
_HIGHEST = 1e280


def _panel(
    dtype: str, cells: pd.DataFrame, x: str, label: str, styles: dict[str, dict[str, Any]]
) -> Panel:
    figure, axis = panel(3.4)
    axis.set(title=dtype, xlabel=label, ylabel="largest error (ulp)", xscale="log", yscale="log")
    ends, tips = [], {}
    for place, (name, line) in enumerate(cells.groupby("implementation")):
        line = line.sort_values(x)
        errors = line["max_ulp"].where(line["max_ulp"] > 0).clip(upper=_HIGHEST)
        every = max(1, len(line) // 12)
        style, tip = styles[str(name)], f"tip-{place}"
        axis.plot(line[x], errors, markevery=every, gid=tip, **style)
        bound = line["bound_ulp"].where(np.isfinite(line["bound_ulp"])).clip(upper=_HIGHEST)
        axis.plot(line[x], bound, color=style["color"], linewidth=0.7, alpha=0.7)
        known = errors.last_valid_index()
        if known is not None:
            ends.append((str(name), line.loc[known, x], errors[known], style["color"]))
            tips[tip] = f"{name}: up to {digits(line['max_ulp'].max())} ulp"
    axis.set_xlim(*finite_range(cells[x]))
    axis.set_ylim(*finite_range(cells["max_ulp"].clip(upper=_HIGHEST)))
    log_ticks(axis, "x", 5)
    log_ticks(axis, "y")
    label_ends(axis, ends)
    return Panel(dtype, f"Largest error in ulp against {label} in {dtype}", figure, tips)
