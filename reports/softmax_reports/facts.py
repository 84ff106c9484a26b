"""What the report says about each implementation and dtype, from the tables of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
from softmax_harness.judgement.outcomes import BROKEN

if TYPE_CHECKING:
    from softmax_harness.run.results import Run

REFERENCE = "exact"
TIMED_N = 1000
PAIR = ["implementation", "dtype"]


def summary(run: Run) -> pd.DataFrame:
    """One row for each implementation and dtype over all families, indexed by both.

    Returns
    -------
    DataFrame
        ``elements broken inaccurate flushed`` are counts, ``max_ulp max_ulp_probable
        max_vs_input_rounding`` maxima, ``mean_ulp`` is weighted by elements, ``time`` is the time
        of a call on rows of `TIMED_N` over that of the fastest in the dtype, NaN if not timed;
        ``time_low`` and ``time_high`` are its quartiles over the same.
    """
    cells = run.results.copy()
    cells["broken"] = cells[list(BROKEN)].sum(axis=1)
    cells["weighted"] = cells["mean_ulp"] * cells["elements"]
    grouped = cells.groupby(PAIR)
    table = pd.DataFrame(
        {
            "elements": grouped["elements"].sum(),
            "broken": grouped["broken"].sum(),
            "inaccurate": grouped["inaccurate"].sum(),
            "flushed": grouped["flushed_subnormal"].sum(),
            "max_ulp": grouped["max_ulp"].max(),
            "max_ulp_probable": grouped["max_ulp_probable"].max(),
            "max_vs_input_rounding": grouped["max_vs_input_rounding"].max(),
        }
    )
    known = cells[cells["mean_ulp"].notna()].groupby(PAIR)
    table["mean_ulp"] = known["weighted"].sum() / known["elements"].sum()
    return table.join(relative_times(run), how="left")


def relative_times(run: Run) -> pd.DataFrame:
    """Columns ``time time_low time_high``: seconds at n = `TIMED_N` over the fastest's median."""
    seconds = ["seconds_median", "seconds_q25", "seconds_q75"]
    timings = run.tables.get("timings", pd.DataFrame(columns=[*PAIR, "n", *seconds]))
    at = timings[timings["n"] == TIMED_N].set_index(PAIR)[seconds].astype(float)
    fastest = at["seconds_median"].groupby("dtype").transform("min")
    at = at.div(fastest, axis="index")
    return at.set_axis(["time", "time_low", "time_high"], axis="columns")


def worst_cells(run: Run) -> pd.DataFrame:
    """Of each implementation and dtype the cell of results.csv with the largest error in ulp."""
    cells = run.results[run.results["max_ulp"].notna()]
    return cells.loc[cells.groupby(PAIR)["max_ulp"].idxmax()]
