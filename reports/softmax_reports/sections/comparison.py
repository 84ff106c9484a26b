"""All implementations side by side, in one table for all dtypes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pandas as pd
from softmax_harness.ground.formats import FORMATS

from softmax_reports.choice import FROM_BEST
from softmax_reports.facts import TIMED_N, anchor_of, operation_of, summary, sums_to_one
from softmax_reports.numbers import digits, in_order, percent, sampled_maximum, whole
from softmax_reports.section import Folded, Link, Paragraph, Part, Section, Table

if TYPE_CHECKING:
    from softmax_harness.run.results import Run

_READING = (
    "Errors are in ulp, units in the last place of the exact value. mpmath computes the exact "
    "value from the logits as stored. A maximum over samples is a lower bound, so it is shown "
    "with ≥. Each leads to its witness."
)


def comparison(run: Run) -> Section:
    """The table, and what each dtype can hold of probabilities, where these are the results."""
    parts: list[Part] = [Paragraph(_READING), table_of(run)]
    if sums_to_one(run):
        parts.append(Folded("What each dtype can hold", [_what(run)]))
    return Section("All compared", parts)


def table_of(run: Run) -> Table:
    """A line for each implementation and dtype of the run's one operation, best first."""
    operation, is_distribution = operation_of(run), sums_to_one(run)
    table = summary(run)
    is_timed = bool(table["time"].notna().any())
    of_distributions = ("where z ≥ 1/n", "a row’s sum off by") if is_distribution else ()
    header = (
        "implementation",
        "dtype",
        "cells that break",
        "elements broken",
        "inaccurate",
        "flushed to 0",
        "largest error (ulp)",
        *of_distributions[:1],
        "mean",
        "over input rounding",
        *of_distributions[1:],
        *((f"time, fastest = 1, n = {whole(TIMED_N)}",) if is_timed else ()),
    )
    rows = []
    for dtype in in_order(table.index.get_level_values("dtype")):
        ordered = table.xs(dtype, level="dtype").sort_values(FROM_BEST, kind="stable")
        for name, row in ordered.iterrows():
            target = anchor_of(operation, dtype, str(name))
            own = (
                str(name),
                dtype,
                _part(row, "breaks", "cells"),
                _part(row, "broken"),
                _part(row, "inaccurate"),
                _part(row, "flushed"),
                Link(sampled_maximum(row["max_ulp"]), target),
                *((sampled_maximum(row["max_ulp_probable"]),) if is_distribution else ()),
                digits(row["mean_ulp"]),
                sampled_maximum(row["max_vs_input_rounding"]),
                *((sampled_maximum(row["sum_defect"]),) if is_distribution else ()),
                *((_interval(row),) if is_timed else ()),
            )
            rows.append(own)
    caption = f"All implementations of {operation}, best first in each dtype"
    return Table(caption, header, rows, numeric_from=2)


def _part(row: pd.Series, key: str, of: str = "elements") -> str:
    """How many of the elements or cells, with their part."""
    number = int(row[key])
    return f"{whole(number)} ({percent(number / row[of])})" if number else "0"


def _interval(row: pd.Series) -> str:
    """The time over that of the fastest, with its interval."""
    if math.isnan(row["time"]):
        return "–"
    return f"{digits(row['time'])} ({digits(row['time_low'])}–{digits(row['time_high'])})"


def _what(run: Run) -> Table:
    """The limits of each format, from its definition."""
    return Table(
        "What each dtype can hold. The gap is between two logits",
        (
            "dtype",
            "exp overflows from x =",
            "smallest probability",
            "a probability rounds to 0 from a gap of",
            "relative spacing",
        ),
        [
            (
                name,
                f"{math.log(FORMATS[name].largest):.2f}",
                digits(FORMATS[name].smallest_subnormal),
                f"{math.log(2) - math.log(FORMATS[name].smallest_subnormal):.2f}",
                digits(2 * FORMATS[name].unit_roundoff),
            )
            for name in in_order(run.results["dtype"])
            if name in FORMATS
        ],
    )
