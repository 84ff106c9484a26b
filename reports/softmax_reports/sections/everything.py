"""All results: one line for each implementation, dtype and family, over all lengths of a row."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from softmax_reports.facts import breaks, broken_elements
from softmax_reports.numbers import counted, digits, in_order, whole
from softmax_reports.section import Folded, Paragraph, Part, Section, Table

if TYPE_CHECKING:
    from softmax_harness.run.results import Run

_KEYS = ["operation", "implementation", "dtype", "family"]
_MAXIMA = ["max_ulp", "max_ulp_probable", "max_vs_input_rounding", "sum_defect"]
_READING = (
    "Maxima are over samples, and so lower bounds. To see one again: softmax-harness explain "
    "WITNESS --implementation NAME."
)


def everything(run: Run) -> Section:
    """The table, folded."""
    table = _table(run.results)
    lines = counted(len(table.rows), "line")
    parts: list[Part] = [Paragraph(_READING), Folded(f"All {lines}", [table])]
    return Section("All results", parts, in_markdown=False)


def _table(results: pd.DataFrame) -> Table:
    several = results["operation"].nunique() > 1
    cells = results.assign(
        broken=broken_elements(results), breaks=breaks(results), worst=results["max_ulp"]
    )
    grouped = cells.groupby(_KEYS, sort=False)
    sums = grouped[["elements", "breaks", "broken", "inaccurate"]].sum()
    maxima = grouped[["n", *_MAXIMA]].max()
    known = cells[cells["max_ulp"].notna()]
    witnesses = known.loc[known.groupby(_KEYS, sort=False)["max_ulp"].idxmax()]
    lines = sums.join(maxima).join(witnesses.set_index(_KEYS)["witness"]).reset_index()
    order = {dtype: place for place, dtype in enumerate(in_order(lines["dtype"]))}
    lines = lines.assign(place=lines["dtype"].map(order))
    lines = lines.sort_values(["operation", "place", "implementation", "family"], kind="stable")
    return Table(
        "Results by family, all lengths of a row together",
        (
            "implementation",
            "dtype",
            *(("operation",) if several else ()),
            "family",
            "longest n",
            "elements",
            "cells that break",
            "broken",
            "inaccurate",
            "largest error (ulp)",
            "where z ≥ 1/n",
            "over input rounding",
            "a row’s sum off by",
            "witness of the largest error",
        ),
        [
            (
                row["implementation"],
                row["dtype"],
                *((row["operation"],) if several else ()),
                row["family"],
                whole(row["n"]),
                whole(row["elements"]),
                whole(row["breaks"]),
                whole(row["broken"]),
                whole(row["inaccurate"]),
                *(digits(row[each]) for each in _MAXIMA),
                row["witness"] if isinstance(row["witness"], str) else "",
            )
            for row in lines.to_dict("records")
        ],
        numeric_from=4 if several else 3,
        numeric_to=13 if several else 12,
    )
