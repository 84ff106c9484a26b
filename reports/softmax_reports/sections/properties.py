"""The properties that softmax is said to have, and where floating point lacks them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from softmax_reports.numbers import count, in_order, sampled_maximum
from softmax_reports.section import Paragraph, Section, Table

if TYPE_CHECKING:
    from softmax_harness.run.results import Run

_REFERENCE = "exact"


def properties(run: Run) -> Section | None:
    """A paragraph of what no implementation can have, then one table for each property."""
    table = run.tables.get("properties")
    if table is None:
        return None
    names = list(dict.fromkeys(table["property"]))
    tables = [_table(table[table["property"] == name], name) for name in names]
    return Section("What softmax is said to be", [Paragraph(_conclusion(table)), *tables])


def _conclusion(table: pd.DataFrame) -> str:
    exact = table[table["implementation"] == _REFERENCE]
    if exact.empty:
        return "Properties of the exact softmax, counted where each fails in floating point."
    told = []
    for name, own in exact.groupby("property", sort=False):
        failing = own[own["fails"] > 0]
        if len(failing):
            shares = [
                f"{100 * row['fails'] / row['cases']:.1f} % in {row['dtype']}"
                for _, row in failing.iterrows()
            ]
            told.append(f"“{name}” fails in {', '.join(shares)}")
    inherent = "; ".join(told) or "it keeps them all"
    return (
        "On normal logits of scale 1, 10 and 100, even of the correctly rounded softmax: "
        f"{inherent}. "
        "That much no implementation can mend; what one fails beyond the row “exact” is its own."
    )


def _table(table: pd.DataFrame, name: str) -> Table:
    first = table["implementation"] == _REFERENCE
    ordered = pd.concat([table[first], table[~first].sort_values("implementation")])
    return Table(
        f"“{name}”: where it fails, and by how much at most.",
        ("dtype", "implementation", "fails", "by at most", "witness"),
        [
            (
                dtype,
                row["implementation"],
                count(int(row["fails"]), int(row["cases"])),
                sampled_maximum(row["worst"]) if row["fails"] else "–",
                row["witness"] if isinstance(row["witness"], str) else "",
            )
            for dtype in in_order(table["dtype"])
            for _, row in ordered[ordered["dtype"] == dtype].iterrows()
        ],
        numeric_from=2,
    )
