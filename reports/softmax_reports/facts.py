"""What the report says about each implementation and dtype, from the tables of a run."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from softmax_harness.ground.formats import FORMATS
from softmax_harness.judgement.outcomes import BROKEN
from softmax_harness.operations import DEFAULT_OPERATION, OPERATIONS, qualified

from softmax_reports.numbers import counted, in_order, whole
from softmax_reports.section import anchor

if TYPE_CHECKING:
    from softmax_harness.run.results import Run

REFERENCE = "exact"
TIMED_N = 1000
PAIR = ["implementation", "dtype"]
ROW_SUM_MAY_ERR = 0.01  # the outputs of a row must sum to 1 ± this much
_FAMILIES_NAMED = 3


def broken_elements(cells: pd.DataFrame) -> pd.Series:
    """How many elements of each line have an outcome that is broken."""
    return cells[[*BROKEN]].sum(axis=1)


def sum_is_off(cells: pd.DataFrame) -> pd.Series:
    """Whether a row of each cell sums to 1 ± more than 1 %.

    Rounding an exact output z to the format moves it by u z + eta / 2 at most, with u the unit
    roundoff and eta the smallest subnormal: a row's sum by u + n eta / 2. Where that is more than
    1 %, in float16 beyond n = 319160 and in formats of six bits or fewer, it takes the place of
    the 1 %, so that correctly rounded results are never off.
    """
    pairs = zip(cells["dtype"], cells["n"], strict=True)
    allowed = np.fromiter((_sum_may_err(*each) for each in pairs), float, len(cells))
    return cells["sum_defect"].fillna(0.0) > allowed


@lru_cache(4096)
def _sum_may_err(dtype: str, n: int) -> float:
    if dtype not in FORMATS:
        return ROW_SUM_MAY_ERR
    format = FORMATS[dtype]
    return max(ROW_SUM_MAY_ERR, format.unit_roundoff + n * format.smallest_subnormal / 2)


def breaks(cells: pd.DataFrame) -> pd.Series:
    """Whether the implementation breaks in each cell of results.csv.

    It does where an element has a broken outcome, or where a row's sum is off. Every section of
    the report that says "breaks" means this.
    """
    return (broken_elements(cells) > 0) | sum_is_off(cells)


def scope(cells: pd.DataFrame) -> str:
    """On what something was measured: the families, or how many, and the longest row."""
    families = list(dict.fromkeys(cells["family"]))
    few = len(families) <= _FAMILIES_NAMED
    kinds = listed(families) if few else counted(len(families), "family", "families")
    return f"{kinds}, n ≤ {whole(cells['n'].max())}"


def scope_in_words(cells: pd.DataFrame) -> str:
    """The same for those who do not know what n is."""
    return scope(cells).replace("n ≤ ", "rows of up to ") + " logits"


def full_scope(cells: pd.DataFrame) -> str:
    """The same with the dtypes, for what is said of several."""
    return f"{listed(in_order(cells['dtype']))} on {scope(cells)}"


def listed(names: list[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return " and ".join([*([", ".join(names[:-1])] if names[1:] else []), *names[-1:]])


def operation_of(run: Run) -> str:
    """The operation of a run of one; the default one where results name none that is known."""
    name = str(run.results["operation"].iloc[0])
    return name if name in OPERATIONS else DEFAULT_OPERATION


def sums_to_one(run: Run) -> bool:
    """Whether the results of each row are a distribution: in [0, 1], with the sum 1."""
    return OPERATIONS[operation_of(run)].is_distribution


def meaning(run: Run, name: str) -> str:
    """What an implementation of the run's one operation says of itself in a line."""
    operation = str(run.results["operation"].iloc[0])
    declared = run.info["implementations"].get(qualified(operation, name), {})
    return plain_words(str(declared.get("summary", "")))


def plain_words(summary: str) -> str:
    """The summary of a docstring without the marks of names that it has."""
    return summary.replace("`", "").strip()


def relative(ulp: float, dtype: str) -> float:
    """What part of a value an error of so many ulp is at most, unless the value is subnormal.

    A value of precision p has the unit 2^(1 - p) times the power of two below it.
    """
    return float(2 * FORMATS[dtype].unit_roundoff * ulp) if dtype in FORMATS else float("nan")


def anchor_of(operation: str, dtype: str, name: str) -> str:
    """Where the witness of an implementation's largest error stands in the page."""
    return anchor(f"w {operation} {dtype} {name}")


def summary(run: Run) -> pd.DataFrame:
    """One row for each implementation and dtype over all families, indexed by both.

    Returns
    -------
    DataFrame
        ``cells``: how many there are, ``breaks``: in how many of them the implementation breaks;
        ``elements broken inaccurate flushed`` are counts, ``max_ulp max_ulp_probable
        max_vs_input_rounding sum_defect`` maxima, ``mean_ulp`` is weighted by elements, ``time``
        is the time of a call on rows of `TIMED_N` over that of the fastest in the dtype, NaN if
        not timed; ``time_low`` and ``time_high`` are its quartiles over the same.
    """
    cells = run.results.copy()
    cells["broken"] = broken_elements(cells)
    cells["breaks"] = breaks(cells)
    cells["weighted"] = cells["mean_ulp"] * cells["elements"]
    grouped = cells.groupby(PAIR)
    table = pd.DataFrame(
        {
            "cells": grouped.size(),
            "breaks": grouped["breaks"].sum(),
            "elements": grouped["elements"].sum(),
            "broken": grouped["broken"].sum(),
            "inaccurate": grouped["inaccurate"].sum(),
            "flushed": grouped["flushed_subnormal"].sum(),
            "max_ulp": grouped["max_ulp"].max(),
            "max_ulp_probable": grouped["max_ulp_probable"].max(),
            "max_vs_input_rounding": grouped["max_vs_input_rounding"].max(),
            "sum_defect": grouped["sum_defect"].max(),
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
