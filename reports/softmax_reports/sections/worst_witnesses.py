"""The worst errors: each input, its steps and bits, and the command that shows it again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pandas as pd
from softmax_harness.explain.command import explaining
from softmax_harness.judgement.outcomes import BROKEN
from softmax_harness.run.results import KEYS
from softmax_harness.subjects.declaration import Said

from softmax_reports.facts import anchor_of, sum_is_off, sums_to_one, worst_cells
from softmax_reports.numbers import counted, in_order, percent, sampled_maximum, whole
from softmax_reports.section import Folded, Link, Paragraph, Part, Section, Table, Witness

if TYPE_CHECKING:
    from softmax_harness.run.results import Run

_READING = (
    "Each command makes the same input again, bit for bit. It shows the result of the "
    "implementation there, and how much every step of one written in NumPy adds to its error. An "
    "element that is infinite or NaN has no error in ulp; the table above counts it."
)


def worst_witnesses(run: Run) -> Section:
    """One table of the largest errors, and folded beside it what each looks like."""
    parts: list[Part] = [Paragraph(_READING), *witness_parts(run), *_lost(run)]
    return Section("The worst witnesses", [*parts, *(_sums(run) if sums_to_one(run) else [])])


def witness_parts(run: Run) -> list[Part]:
    """The table of the largest errors of one operation, and each witness, folded."""
    return [_largest(run), *_shown(run)]


def _rows(run: Run) -> list[dict[str, Any]]:
    """The cells of the largest errors, narrow dtypes first."""
    places = {dtype: place for place, dtype in enumerate(in_order(run.results["dtype"]))}
    rows: list[dict[str, Any]] = worst_cells(run).to_dict("records")
    return sorted(rows, key=lambda row: (places[row["dtype"]], row["implementation"]))


def _largest(run: Run) -> Table:
    return Table(
        "Largest errors",
        ("implementation", "dtype", "family", "n", "error (ulp)", "replay"),
        [
            (
                row["implementation"],
                row["dtype"],
                row["family"],
                whole(row["n"]),
                Link(
                    sampled_maximum(row["max_ulp"]),
                    anchor_of(row["operation"], row["dtype"], row["implementation"]),
                ),
                command_of(run, row, row["witness"]),
            )
            for row in _rows(run)
        ],
        numeric_from=3,
    )


def _shown(run: Run) -> list[Part]:
    known = shown_of(run)
    shown = [
        _witness(run, row, known.get(tuple(str(row[key]) for key in KEYS), {}))
        for row in _rows(run)
    ]
    return [Folded(f"{counted(len(shown), 'witness', 'witnesses')} in detail", shown)]


def shown_of(run: Run) -> dict[tuple[str, ...], dict[str, Any]]:
    """What the run kept of its witnesses, by the keys of their cells as text."""
    table = run.tables.get("witnesses")
    if table is None:
        return {}
    return {
        tuple(str(row[key]) for key in KEYS): json.loads(row["shown"])
        for row in table.to_dict("records")
    }


def _witness(run: Run, row: dict[str, Any], shown: dict[str, Any]) -> Witness:
    anchor = anchor_of(row["operation"], row["dtype"], row["implementation"])
    title = (
        f"{row['implementation']} in {row['dtype']}: {sampled_maximum(row['max_ulp'])} ulp on "
        f"{row['family']}, n = {whole(row['n'])}"
    )
    facts = [("witness", str(row["witness"])), *_line(shown)]
    return Witness(
        anchor, title, facts, shown.get("text", ""), command_of(run, row, row["witness"])
    )


def _line(shown: dict[str, Any]) -> list[tuple[str, str]]:
    """The exact value and the computed one on the line of the dtype's numbers."""
    if "exact" not in shown:
        return []
    return [
        ("element", f"{shown['index']}, counted from 0"),
        ("exact value", shown["exact"]),
        ("nearest number", _bits(shown["nearest"])),
        ("next below", _bits(shown["below"])),
        ("next above", _bits(shown["above"])),
        ("computed", f"{_bits(shown['computed'])}, off by {float(shown['ulp']):+.4g} ulp"),
    ]


def _bits(number: list[str]) -> str:
    return f"{number[0]}  = {number[1]}" if number[1] else number[0]


def _lost(run: Run) -> list[Table]:
    """The families in which each implementation breaks the largest part of the elements."""
    cells = run.results.assign(lost=run.results[list(BROKEN)].sum(axis=1))
    sums = cells.groupby(["dtype", "implementation", "family"], as_index=False)[
        [*BROKEN, "lost", "elements"]
    ].sum()
    sums = sums[sums["lost"] > 0].assign(part=lambda each: each["lost"] / each["elements"])
    worst = sums.sort_values("part", ascending=False).groupby(["dtype", "implementation"]).head(3)
    rows = [
        (
            row["implementation"],
            row["dtype"],
            row["family"],
            ", ".join(
                f"{whole(row[each])} {each.replace('_', ' ')}" for each in BROKEN if row[each] > 0
            ),
            percent(row["part"]),
        )
        for _, row in worst.sort_values(["dtype", "implementation", "part"]).iterrows()
    ]
    caption = "Families in which most elements are broken, up to three for each implementation"
    header = ("implementation", "dtype", "family", "how", "broken")
    return [Table(caption, header, rows, numeric_from=4)] if rows else []


def _sums(run: Run) -> list[Table]:
    """The row of each implementation and dtype whose sum is furthest off, where any is."""
    off = run.results[sum_is_off(run.results)]
    if off.empty:
        return []
    worst = off.loc[off.groupby(["dtype", "implementation"])["sum_defect"].idxmax()]
    return [
        Table(
            "Rows whose outputs do not sum to 1 within 1 %, the furthest of each implementation",
            ("implementation", "dtype", "family", "n", "off by", "replay"),
            [
                (
                    row["implementation"],
                    row["dtype"],
                    row["family"],
                    whole(row["n"]),
                    sampled_maximum(row["sum_defect"]),
                    _replayed(run, row),
                )
                for dtype in in_order(worst["dtype"])
                for _, row in worst[worst["dtype"] == dtype].iterrows()
            ],
            numeric_from=3,
        )
    ]


def _replayed(run: Run, cell: pd.Series) -> str:
    """The command that shows the row of a cell whose sum is furthest off."""
    metrics = run.tables.get("metrics")
    if metrics is None:
        return ""
    chosen = metrics[metrics["metric"] == "sum_defect"]
    for key in KEYS:
        chosen = chosen[chosen[key] == cell[key]]
    return command_of(run, cell, chosen["witness"].iloc[0]) if len(chosen) else ""


def command_of(run: Run, cell: Any, witness: str) -> str:
    """The command that explains a witness of a cell."""
    options, name = run.info["options"], cell["implementation"]
    if "outputs" in options:  # computed elsewhere: nobody can call what gave them
        return explaining(witness, None, cell["operation"])
    said = Said(**{key: options.get(key) for key in vars(Said())}).of(name)
    return explaining(witness, name, cell["operation"], said.words_of_calls)
