"""The properties that softmax is said to have, and where floating point lacks them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
from softmax_harness.run.experiments.properties import FAMILIES_TRIED, LENGTH

from softmax_reports.facts import REFERENCE, listed
from softmax_reports.numbers import count, in_order, sampled_maximum, whole
from softmax_reports.section import Folded, Paragraph, Section, Table

if TYPE_CHECKING:
    from softmax_harness.run.results import Run

_NAMED = 4  # of those that fail more; the table has all


def properties(run: Run) -> Section | None:
    """A paragraph of what rounding alone costs and who fails more, then a table each."""
    table = run.tables.get("properties")
    if table is None:
        return None
    folded = Folded("Each property and implementation", [_table(table)])
    return Section("Claims about softmax", [Paragraph(_conclusion(table)), folded])


def _conclusion(table: pd.DataFrame) -> str:
    exact = table[table["implementation"] == REFERENCE]
    dtypes = listed(in_order(table["dtype"]))
    measured = f"({dtypes} on {listed(list(FAMILIES_TRIED))}, n = {LENGTH})"
    if exact.empty:
        return f"How often each property of the exact softmax fails {measured}."
    return f"{_by_rounding(exact, measured)} {_beyond(table)}"


def _by_rounding(exact: pd.DataFrame, measured: str) -> str:
    """Which properties the correctly rounded results have, and how often they lack the others."""
    told, kept = [], []
    for name, own in exact.groupby("property", sort=False):
        failing = own[own["fails"] > 0]
        shares = [
            f"{100 * row['fails'] / row['cases']:.1f} % in {row['dtype']}"
            for _, row in failing.iterrows()
        ]
        told += [f"“{name}” fails in {listed(shares)}"] if shares else []
        kept += [] if shares else [f"“{name}”"]
    if not told:
        return f"The correctly rounded softmax has every one of these properties {measured}."
    begun = f"Even the correctly rounded softmax lacks properties {measured}: {'; '.join(told)}."
    return f"{begun} It has {listed(kept)} in every case." if kept else begun


def _beyond(table: pd.DataFrame) -> str:
    """Who fails in more cases than the correctly rounded softmax, where by the most."""
    keys = ["property", "dtype"]
    exact = table[table["implementation"] == REFERENCE].set_index(keys)["fails"]
    others = table[table["implementation"] != REFERENCE].join(exact.rename("own"), on=keys)
    beyond = others.assign(more=others["fails"] - others["own"])
    beyond = beyond[beyond["more"] > 0]
    if beyond.empty:
        return "No implementation fails in more cases than it."
    furthest = beyond.loc[beyond.groupby("implementation")["more"].idxmax()]
    told = [
        f"{row['implementation']} (most: “{row['property']}” in {row['dtype']}, "
        f"{whole(row['more'])} more of {whole(row['cases'])})"
        for _, row in furthest.sort_values("more", ascending=False).iterrows()
    ]
    more = len(told) - _NAMED
    shown = [*told[:_NAMED], f"{more} more"] if more > 1 else told
    return f"These fail in more cases than it: {listed(shown)}."


def _table(table: pd.DataFrame) -> Table:
    return Table(
        "How often each property fails, and by how much at most",
        ("implementation", "dtype", "property", "fails", "by at most", "witness"),
        [
            (
                row["implementation"],
                row["dtype"],
                name,
                count(int(row["fails"]), int(row["cases"])),
                sampled_maximum(row["worst"]) if row["fails"] else "–",
                row["witness"] if isinstance(row["witness"], str) else "",
            )
            for name in dict.fromkeys(table["property"])
            for row in _ordered(table[table["property"] == name])
        ],
        numeric_from=3,
    )


def _ordered(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Narrow dtypes first, and the reference first in each."""
    places = {dtype: place for place, dtype in enumerate(in_order(table["dtype"]))}
    rows: list[dict[str, Any]] = table.to_dict("records")
    return sorted(
        rows,
        key=lambda row: (
            places[row["dtype"]],
            row["implementation"] != REFERENCE,
            row["implementation"],
        ),
    )
