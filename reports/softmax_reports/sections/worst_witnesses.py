"""The worst errors, each with the command that shows it again, step by step."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
from softmax_harness.explain.command import explaining
from softmax_harness.judgement.outcomes import BROKEN
from softmax_harness.run.results import KEYS
from softmax_harness.subjects.declaration import Said

from softmax_reports.facts import sum_is_off, worst_cells
from softmax_reports.numbers import in_order, sampled_maximum
from softmax_reports.section import Paragraph, Section, Table

if TYPE_CHECKING:
    from softmax_harness.run.results import Run


def worst_witnesses(run: Run) -> Section:
    """A table for each dtype."""
    cells = worst_cells(run)
    return Section(
        "The worst witnesses",
        [
            Paragraph(
                "Each command makes the same input again, bit for bit. It shows the result of the "
                "implementation there, and how much every step of one written in NumPy adds to "
                "its error. An element that is infinite or NaN has no error in ulp; the first "
                "section counts it."
            ),
            *(
                Table(
                    f"Largest errors in {dtype}",
                    ("implementation", "family", "n", "error (ulp)", "replay"),
                    [
                        (
                            row["implementation"],
                            row["family"],
                            str(row["n"]),
                            sampled_maximum(row["max_ulp"]),
                            _command(run, row, row["witness"]),
                        )
                        for _, row in cells[cells["dtype"] == dtype].iterrows()
                    ],
                    numeric_from=9,
                )
                for dtype in in_order(cells["dtype"])
            ),
            _lost(run),
            *_sums(run),
        ],
    )


def _lost(run: Run) -> Table:
    """The families in which each implementation breaks the largest part of the elements."""
    cells = run.results.assign(lost=run.results[list(BROKEN)].sum(axis=1))
    sums = cells.groupby(["dtype", "implementation", "family"], as_index=False)[
        [*BROKEN, "lost", "elements"]
    ].sum()
    sums = sums[sums["lost"] > 0].assign(part=lambda each: each["lost"] / each["elements"])
    worst = sums.sort_values("part", ascending=False).groupby(["dtype", "implementation"]).head(3)
    rows = [
        (
            row["dtype"],
            row["implementation"],
            row["family"],
            f"{100 * row['part']:.1f} %",
            ", ".join(f"{row[each]} {each.replace('_', ' ')}" for each in BROKEN if row[each] > 0),
        )
        for _, row in worst.sort_values(["dtype", "implementation", "part"]).iterrows()
    ]
    return Table(
        "Families in which most elements are broken, up to three for each implementation",
        ("dtype", "implementation", "family", "broken", "how"),
        rows or [("–", "none breaks any", "", "", "")],
        numeric_from=9,
    )


def _sums(run: Run) -> list[Table]:
    """The row of each implementation and dtype whose sum is furthest off, where any is."""
    off = run.results[sum_is_off(run.results)]
    if off.empty:
        return []
    worst = off.loc[off.groupby(["dtype", "implementation"])["sum_defect"].idxmax()]
    return [
        Table(
            "Rows whose outputs sum to 1 ± more than 1 %, the furthest of each implementation",
            ("dtype", "implementation", "family", "n", "off by", "replay"),
            [
                (
                    row["dtype"],
                    row["implementation"],
                    row["family"],
                    str(row["n"]),
                    sampled_maximum(row["sum_defect"]),
                    _replayed(run, row),
                )
                for dtype in in_order(worst["dtype"])
                for _, row in worst[worst["dtype"] == dtype].iterrows()
            ],
            numeric_from=9,
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
    return _command(run, cell, chosen["witness"].iloc[0]) if len(chosen) else ""


def _command(run: Run, cell: pd.Series, witness: str) -> str:
    options, name = run.info["options"], cell["implementation"]
    if "outputs" in options:  # computed elsewhere: nobody can call what gave them
        return explaining(witness, None, cell["operation"])
    said = Said(**{key: options.get(key) for key in vars(Said())}).of(name)
    return explaining(witness, name, cell["operation"], said.words_of_calls)
