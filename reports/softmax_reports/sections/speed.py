"""Accuracy against speed, and how both went over the commits that asv measured."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator

from softmax_reports.facts import REFERENCE, TIMED_N, listed, scope, summary
from softmax_reports.numbers import in_order
from softmax_reports.section import Paragraph, Picture, Section, Table
from softmax_reports.style import line_styles, panels, shared_legend
from softmax_reports.times import time_parts

if TYPE_CHECKING:
    from softmax_harness.run.results import Run


_NO_TIMINGS = (
    "These implementations were not timed. softmax-harness run --time does that, and so does make "
    "report; or name a folder of asv's results with run --asv."
)

_WORTH = (
    "An implementation is worth its time if it never breaks, and no surely faster one that never "
    "breaks is as accurate where z ≥ 1/n."
)


def speed(run: Run) -> Section:
    """The trade, as a picture and a table; without timings, how to get them."""
    title = "Accuracy against speed"
    table = summary(run).drop(index=REFERENCE, level="implementation", errors="ignore")
    if not table["time"].notna().any():
        return Section(title, [Paragraph(_NO_TIMINGS)])
    timings = run.tables["timings"]
    parts: list[Paragraph | Picture | Table] = [
        Paragraph(_WORTH),
        *(Paragraph(text) for text in _conclusions(table, run.results)),
        Picture(
            "accuracy-against-speed",
            f"Time in rows of {TIMED_N} against the largest error where z ≥ 1/n in all families. "
            "The times are relative to the fastest in the dtype; the bars are their intervals. "
            "Lower left is "
            "better.",
            "Relative time against largest error, one panel for each dtype",
            _trade(run, table),
        ),
        *time_parts(timings),
    ]
    history = run.tables.get("history")
    if history is not None and history["commit"].nunique() > 1:
        parts.append(
            Picture(
                "history",
                f"Time of an element at n = {TIMED_N} in float32, over the commits measured on "
                "this machine, relative to the first time of each implementation. Timings of "
                "different days can differ by noise alone; compare commits with asv continuous.",
                "Relative time over commits",
                _history(run, history),
            )
        )
    return Section(title, parts)


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


def _trade(run: Run, table: pd.DataFrame) -> Figure:
    table = table[table["time"].notna()]
    dtypes = in_order(table.index.get_level_values("dtype"))
    figure, axes = panels(1, len(dtypes), 3.4)
    styles = line_styles(run)
    for axis, dtype in zip(axes[0], dtypes, strict=True):
        for name, row in table.xs(dtype, level="dtype").iterrows():
            style = styles[str(name)] | {"linestyle": "", "markersize": 8}
            hollow = {"markerfacecolor": "none"} if row["breaks"] else {}
            label = f"{name} (breaks)" if row["breaks"] else str(name)
            axis.plot(row["time"], row["max_ulp_probable"], label=label, **style, **hollow)
            axis.hlines(
                row["max_ulp_probable"], row["time_low"], row["time_high"], colors=style["color"]
            )
        axis.set(title=dtype, xlabel="time, fastest = 1", yscale="log", xscale="log")
        axis.xaxis.set_major_formatter("{x:g}")
        axis.xaxis.set_minor_locator(LogLocator(subs=(2, 5)))  # more would overlap in two decades
        axis.xaxis.set_minor_formatter("{x:g}")
        axis.tick_params(axis="x", which="minor", labelsize=7)
    axes[0][0].set_ylabel("largest error (ulp), z ≥ 1/n")
    shared_legend(figure, axes)
    return figure


def _history(run: Run, history: pd.DataFrame) -> Figure:
    times = history[
        (history["measure"] == "ns_per_element")
        & (history["n"] == TIMED_N)
        & (history["dtype"] == "float32")
    ]
    figure, axes = panels(1, 1, 3.4)
    styles = line_styles(run)
    commits = list(dict.fromkeys(times.sort_values("date")["commit"]))
    for name, line in times.groupby("implementation"):
        line = line.sort_values("date")
        place = [commits.index(commit) for commit in line["commit"]]
        axes[0][0].plot(
            place, line["value"] / line["value"].iloc[0], label=name, **styles[str(name)]
        )
    axes[0][0].set_xticks(range(len(commits)), [commit[:8] for commit in commits], rotation=45)
    axes[0][0].set_ylabel("time, first commit = 1")
    shared_legend(figure, axes)
    return figure
