"""The properties that softmax is said to have, and where floating point lacks them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
from softmax_harness.run.experiments.properties import FAMILIES_TRIED, LENGTH

from softmax_reports.facts import REFERENCE, listed
from softmax_reports.numbers import count, in_order, sampled_maximum
from softmax_reports.section import Paragraph, Section, Table

if TYPE_CHECKING:
    from softmax_harness.run.results import Run


def properties(run: Run) -> Section | None:
    """A paragraph of what rounding alone costs and who fails more, then a table each."""
    table = run.tables.get("properties")
    if table is None:
        return None
    names = list(dict.fromkeys(table["property"]))
    tables = [_table(table[table["property"] == name], name) for name in names]
    return Section("Claims about softmax", [Paragraph(_conclusion(table)), *tables])


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
        f"{row['implementation']} (most: “{row['property']}” in {row['dtype']}, {row['more']} more "
        f"of {row['cases']})"
        for _, row in furthest.sort_values("more", ascending=False).iterrows()
    ]
    return f"These fail in more cases than it: {listed(told)}."


def _table(table: pd.DataFrame, name: str) -> Table:
    first = table["implementation"] == REFERENCE
    ordered = pd.concat([table[first], table[~first].sort_values("implementation")])
    return Table(
        f"“{name}”: how often it fails, and by how much at most",
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
