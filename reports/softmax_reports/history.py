"""The page of many runs: how accuracy and speed went over commits, joined with asv's results."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import matplotlib

matplotlib.use("Agg")
import pandas as pd

from softmax_reports.drawing import drawn
from softmax_reports.facts import TIMED_N, listed, summary
from softmax_reports.labels import label_ends, name_ticks
from softmax_reports.numbers import counted, digits, in_order, sampled_maximum, whole
from softmax_reports.rendering import Page, render_html
from softmax_reports.section import Folded, Panel, Paragraph, Part, Picture, Section, Table
from softmax_reports.sections.glossary import words
from softmax_reports.style import PARAMETERS, finite_range, log_ticks, looks, panel

if TYPE_CHECKING:
    from softmax_harness.run.results import Run

TITLE = "How did accuracy and speed change?"
_KEYS = ["operation", "implementation", "dtype"]
_TICKS = 8


@dataclass(frozen=True)
class Moment:
    """One run in the history.

    Attributes
    ----------
    name : str
        Of its folder.
    run : Run
    """

    name: str
    run: Run

    @property
    def date(self) -> str:
        """When it was made, in UTC; ``""`` where it does not say."""
        return str(self.run.info.get("made", {}).get("date", ""))

    @property
    def label(self) -> str:
        """The beginning of its commit, with a mark where files differed, or else its name."""
        commit = str(self.run.info.get("made", {}).get("commit", ""))
        hash, _, changed = commit.partition(",")
        return f"{hash[:8]}{'+' if changed else ''}" if hash else self.name


def history_html(moments: Sequence[Moment], asv: pd.DataFrame | None = None) -> str:
    """The page as one file.

    Parameters
    ----------
    moments : sequence of Moment
    asv : DataFrame, optional
        From `softmax_harness.timing.read_history`.
    """
    ordered = _comparable(sorted(moments, key=lambda each: (each.date, each.name)))
    points = points_of(ordered, asv)
    commits = points[points["from"] == "asv"]["label"].nunique()
    header = [
        ("runs", f"{whole(len(ordered))}: {listed([each.name for each in ordered])}"),
        *([("asv", counted(commits, "commit"))] if commits else []),
    ]
    with matplotlib.rc_context(PARAMETERS):
        sections = [_last_two(ordered), *_charts(points), _everything(points), words()]
        pictures = [part for each in sections for part in each.parts if isinstance(part, Picture)]
        return render_html(Page(TITLE, header, sections), drawn(pictures))


def _comparable(moments: Sequence[Moment]) -> list[Moment]:
    """The runs with those inputs alone that all have which measured their operation and dtype."""
    held: dict[tuple[Any, ...], list[set[tuple[Any, ...]]]] = {}
    for moment in moments:
        cells = moment.run.results
        for key, own in cells.groupby(["operation", "dtype"]):
            held.setdefault(key, []).append(set(zip(own["family"], own["n"], strict=True)))
    shared = {key: set.intersection(*each) for key, each in held.items()}
    return [replace(each, run=_only(each.run, shared)) for each in moments]


def _only(run: Run, shared: dict[tuple[Any, ...], set[tuple[Any, ...]]]) -> Run:
    columns = [run.results[key] for key in ("operation", "dtype", "family", "n")]
    kept = [
        (family, n) in shared[operation, dtype]
        for operation, dtype, family, n in zip(*columns, strict=True)
    ]
    return replace(run, tables=run.tables | {"results": run.results[kept]})


def points_of(moments: Sequence[Moment], asv: pd.DataFrame | None) -> pd.DataFrame:
    """A row for each implementation and dtype at each moment, oldest first.

    Returns
    -------
    DataFrame
        ``date label from``, the keys, ``max_ulp`` and ``breaks`` of runs, and ``ns``, nanoseconds
        of an element in rows of `TIMED_N`.
    """
    rows: list[dict[str, Any]] = []
    for moment, label in zip(moments, _labels(moments), strict=True):
        for operation in moment.run.results["operation"].unique():
            rows += _of_run(moment, label, str(operation))
    if asv is not None and len(asv):
        rows += _of_asv(asv)
    columns = ["date", "label", "from", *_KEYS, "max_ulp", "breaks", "ns"]
    return pd.DataFrame(rows, columns=columns).sort_values("date", kind="stable")


def _labels(moments: Sequence[Moment]) -> list[str]:
    """One for each: of runs of one commit the names, since they are several moments."""
    seen = Counter(each.label for each in moments)
    return [each.label if seen[each.label] == 1 else each.name for each in moments]


def _of_run(moment: Moment, label: str, operation: str) -> list[dict[str, Any]]:
    one = moment.run.of(operation)
    timings = one.tables.get("timings", pd.DataFrame(columns=[*_KEYS, "n", "ns_per_element"]))
    times = timings[timings["n"] == TIMED_N].set_index(["implementation", "dtype"])
    return [
        {
            "date": moment.date,
            "label": label,
            "from": moment.name,
            "operation": operation,
            "implementation": name,
            "dtype": dtype,
            "max_ulp": row["max_ulp"],
            "breaks": int(row["breaks"]),
            "ns": times["ns_per_element"].get((name, dtype), float("nan")),
        }
        for (name, dtype), row in summary(one).iterrows()
    ]


def _of_asv(history: pd.DataFrame) -> list[dict[str, Any]]:
    """asv's times; its errors are of one family each, and so of another kind than a run's."""
    times = history[(history["measure"] == "ns_per_element") & (history["n"] == TIMED_N)]
    return [
        {
            "date": f"{pd.Timestamp(row['date']):%Y-%m-%d %H:%M UTC}",
            "label": str(row["commit"])[:8],
            "from": "asv",
            **{key: row[key] for key in _KEYS},
            "max_ulp": float("nan"),
            "breaks": -1,
            "ns": row["value"],
        }
        for row in times.to_dict("records")
    ]


def _last_two(moments: Sequence[Moment]) -> Section:
    """Whose largest error rose or fell from the run before the last to the last."""
    if len(moments) < 2:
        return Section("In short", [Paragraph("One run alone has no history.")])
    before, now = moments[-2], moments[-1]
    errors = [_largest(each.run) for each in (before, now)]
    both = pd.concat(errors, axis=1, keys=["before", "now"]).dropna()
    told = [
        _moved(both[both["now"] > both["before"]], "rose"),
        _moved(both[both["now"] < both["before"]], "fell"),
    ]
    pairs = f"{counted(len(both), 'pair')} of implementation and dtype, on the inputs of all runs"
    begun = f"From {before.name} to {now.name} ({pairs})"
    if not any(told):
        return Section("In short", [Paragraph(f"{begun} no largest error changed.")])
    return Section("In short", [Paragraph(f"{begun}: {'; '.join(filter(None, told))}.")])


def _largest(run: Run) -> pd.Series:
    """By implementation, with its operation where that is not alone, and dtype."""
    several = run.results["operation"].nunique() > 1
    found = {}
    for operation in run.results["operation"].unique():
        for (name, dtype), value in summary(run.of(operation))["max_ulp"].items():
            found[f"{operation} {name}" if several else str(name), dtype] = value
    return pd.Series(found)


def _moved(rows: pd.DataFrame, how: str) -> str:
    told = [
        f"{name} in {dtype} ({digits(row['before'])} to {digits(row['now'])} ulp)"
        for (name, dtype), row in rows.iterrows()
        if digits(row["before"]) != digits(row["now"])
    ]
    return f"the largest error {how} for {listed(told)}" if told else ""


def _charts(points: pd.DataFrame) -> list[Section]:
    """Panels of the first operation: errors, and times where there are any."""
    if points.empty:
        return []
    first = points[points["operation"] == points["operation"].iloc[0]]
    kinds = {
        "Accuracy": (
            "max_ulp",
            "largest error (ulp)",
            "Largest error on the inputs that all runs have.",
        ),
        "Speed": (
            "ns",
            "ns an element",
            f"Nanoseconds an element in rows of {whole(TIMED_N)}, of runs with --time and of asv. "
            "Times of different days can differ by noise alone.",
        ),
    }
    sections = []
    for title, (column, label, caption) in kinds.items():
        known = first[first[column] > 0]
        if known["label"].nunique() > 1:
            panels = [
                _panel(dtype, known[known["dtype"] == dtype], column, label)
                for dtype in in_order(known["dtype"])
            ]
            parts: list[Part] = [Picture(f"history-{column}", caption, panels)]
            sections.append(Section(title, parts))
    return sections


def _panel(dtype: str, points: pd.DataFrame, column: str, label: str) -> Panel:
    figure, axis = panel(3.4)
    styles = looks(points["implementation"].unique())
    moments = list(dict.fromkeys(points["label"]))
    axis.set(title=dtype, ylabel=label, yscale="log")
    ends = []
    for name, line in points.groupby("implementation"):
        at = [moments.index(each) for each in line["label"]]
        axis.plot(at, line[column], **styles[str(name)])
        ends.append((str(name), at[-1], float(line[column].iloc[-1]), styles[str(name)]["color"]))
    axis.set_ylim(*finite_range(points[column]))
    every = -(-len(moments) // _TICKS)
    shown = range(0, len(moments), every)
    name_ticks(axis, shown, [moments[each] for each in shown])
    log_ticks(axis, "y")
    label_ends(axis, ends)
    return Panel(dtype, f"{label} over runs in {dtype}", figure)


def _everything(points: pd.DataFrame) -> Section:
    table = Table(
        "Each moment",
        (
            "implementation",
            "dtype",
            "operation",
            "commit or run",
            "measured",
            "from",
            "cells that break",
            "largest error (ulp)",
            "ns an element",
        ),
        [
            (
                row["implementation"],
                row["dtype"],
                row["operation"],
                row["label"],
                row["date"],
                row["from"],
                whole(row["breaks"]) if row["breaks"] >= 0 else "–",
                sampled_maximum(row["max_ulp"]),
                digits(row["ns"]),
            )
            for row in points.to_dict("records")
        ],
        numeric_from=6,
    )
    return Section("All moments", [Folded(counted(len(table.rows), "line"), [table])])
