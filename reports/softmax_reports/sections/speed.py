"""Accuracy against speed, and how both went over the commits that asv measured."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from softmax_reports.facts import REFERENCE, TIMED_N, listed, scope, summary, sums_to_one
from softmax_reports.labels import label_ends, label_points, name_ticks
from softmax_reports.numbers import counted, digits, in_order, whole
from softmax_reports.section import Folded, Panel, Paragraph, Part, Picture, Section
from softmax_reports.style import log_ticks, looks, panel
from softmax_reports.times import time_parts

if TYPE_CHECKING:
    from softmax_harness.run.results import Run


_HISTORY = (
    f"Time of an element at n = {whole(TIMED_N)} over the commits measured on this machine, "
    "relative to the first time of each implementation. Timings of different days can differ by "
    "noise alone; compare commits with asv continuous."
)

_WORTH = (
    "An implementation is worth its time if it never breaks, and each surely faster one that "
    "never breaks errs more."
)


def speed(run: Run) -> Section | None:
    """The trade, as a picture and a table; nothing without times, which the header says."""
    title = "Accuracy against speed"
    table = summary(run).drop(index=REFERENCE, level="implementation", errors="ignore")
    if not table["time"].notna().any():
        return None
    timings = run.tables["timings"]
    parts: list[Part] = [
        Picture(
            "accuracy-against-speed",
            f"Time in rows of {whole(TIMED_N)} against the largest error {_where(run)}in all "
            "families. The times are relative to the fastest in the dtype; the bars are their "
            "intervals. Hollow marks break somewhere; those with an arrow err by more than is "
            "drawn. Lower left is better.",
            _trade(run, table),
        ),
        Paragraph(_WORTH),
        *(Paragraph(text) for text in _conclusions(table, run.results)),
        Folded("Times of every length", time_parts(timings)),
    ]
    history = run.tables.get("history")
    if history is not None and history["commit"].nunique() > 1:
        panels = _history(run, history)
        if panels:
            parts.append(Picture("history", _HISTORY, panels))
    return Section(title, parts)


def _where(run: Run) -> str:
    return "where z ≥ 1/n " if sums_to_one(run) else ""


def _conclusions(table: pd.DataFrame, results: pd.DataFrame) -> list[str]:
    """The front in each dtype, and who was left out of it."""
    dtypes = in_order(table.index.get_level_values("dtype"))
    told = [_front_of(dtype, table.xs(dtype, level="dtype"), results) for dtype in dtypes]
    return [each for each in told if each]


def _front_of(dtype: str, rows: pd.DataFrame, results: pd.DataFrame) -> str:
    timed = rows[rows["time"].notna()]
    if timed.empty:
        return ""
    measured = f"{dtype} (errors on {scope(results[results['dtype'] == dtype])})"
    broke = [str(name) for name in timed.index[timed["breaks"] > 0]]
    kept = front(timed)
    if not kept:
        return f"{measured}: every implementation that was timed breaks."
    out = f" {listed(broke)} break{'' if broke[1:] else 's'}." if broke else ""
    worth = "are worth their time" if kept[1:] else "is worth its time"
    return f"{measured}: {listed(kept)} {worth}.{out}"


def front(timed: pd.DataFrame) -> list[str]:
    """Who never breaks, and errs less than each that never breaks and is surely faster.

    Parameters
    ----------
    timed : DataFrame
        Rows of `summary` of one dtype, indexed by implementation, each with a time.
    """
    sound = timed[timed["breaks"] == 0]
    return [
        str(name)
        for name, row in sound.iterrows()
        if not (
            (sound["time_high"] < row["time_low"])
            & (sound["max_ulp_probable"] <= row["max_ulp_probable"])
        ).any()
    ]


def _trade(run: Run, table: pd.DataFrame) -> list[Panel]:
    table = table[table["time"].notna()]
    error = table["max_ulp_probable" if sums_to_one(run) else "max_ulp"]
    table = table.assign(error=error)[lambda each: each["error"] > 0]
    styles = looks(run.results["implementation"].unique())
    return [
        _trade_in(dtype, table.xs(dtype, level="dtype"), styles)
        for dtype in in_order(table.index.get_level_values("dtype"))
    ]


def _trade_in(dtype: str, rows: pd.DataFrame, styles: dict[str, dict[str, Any]]) -> Panel:
    figure, axis = panel(3.5)
    axis.set(title=dtype, xlabel="time, fastest = 1", ylabel="largest error (ulp)")
    axis.set(yscale="log", xscale="log")
    axis.set_xlim(min(0.85, 0.95 * rows["time_low"].min()), 1.25 * rows["time_high"].max())
    top = _top(rows)
    axis.set_ylim(rows["error"].min() / 1.6, 2 * top)
    heights = rows["error"].clip(upper=top)
    tips = {}
    for place, (name, row) in enumerate(rows.iterrows()):
        tip = f"tip-{place}"
        style = styles[str(name)] | {"linestyle": "", "markersize": 6.5, "gid": tip, "zorder": 3}
        hollow = {"markerfacecolor": "none"} if row["breaks"] else {}
        axis.plot(row["time"], heights[name], **(style | hollow))
        axis.hlines(heights[name], row["time_low"], row["time_high"], colors=style["color"])
        tips[tip] = (
            f"{name}: {digits(row['error'])} ulp, {digits(row['time'])} times the fastest "
            f"({digits(row['time_low'])}–{digits(row['time_high'])})"
            + (f", breaks in {counted(int(row['breaks']), 'cell')}" if row["breaks"] else "")
        )
    log_ticks(axis, "x")
    log_ticks(axis, "y")
    names = [f"{name} ↑" if rows["error"][name] > top else str(name) for name in rows.index]
    bars = list(zip(rows["time_low"], rows["time_high"], strict=True))
    label_points(axis, list(zip(names, rows["time"], heights, strict=True)), bars)
    return Panel(dtype, f"Relative time against largest error in {dtype}", figure, tips)


def _top(rows: pd.DataFrame) -> float:
    """Up to which error is drawn: what never breaks is told apart, not only from what does."""
    sound = rows[rows["breaks"] == 0]["error"]
    highest = float(rows["error"].max())
    return min(highest, 100 * float(sound.max())) if len(sound) else highest


def _history(run: Run, history: pd.DataFrame) -> list[Panel]:
    """One panel for each dtype that was timed at `TIMED_N` on several commits."""
    times = history[(history["measure"] == "ns_per_element") & (history["n"] == TIMED_N)]
    styles = looks({*run.results["implementation"], *times["implementation"]})
    dtypes = in_order(times["dtype"])
    return [_history_in(dtype, times[times["dtype"] == dtype], styles) for dtype in dtypes]


def _history_in(dtype: str, times: pd.DataFrame, styles: dict[str, dict[str, Any]]) -> Panel:
    figure, axis = panel(3.0)
    commits = list(dict.fromkeys(times.sort_values("date")["commit"]))
    ends = []
    for name, line in times.groupby("implementation"):
        line = line.sort_values("date")
        place = [commits.index(commit) for commit in line["commit"]]
        ratio = line["value"] / line["value"].iloc[0]
        axis.plot(place, ratio, **styles[str(name)])
        ends.append((str(name), place[-1], float(ratio.iloc[-1]), styles[str(name)]["color"]))
    every = -(-len(commits) // 8)
    shown = range(0, len(commits), every)
    name_ticks(axis, shown, [commits[each][:7] for each in shown])
    axis.set(title=dtype, ylabel="time, first commit = 1")
    label_ends(axis, ends)
    return Panel(dtype, f"Relative time over commits in {dtype}", figure)
