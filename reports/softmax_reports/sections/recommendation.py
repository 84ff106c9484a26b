"""Which implementation to use in which dtype."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pandas as pd
from softmax_harness.ground.formats import FORMATS

from softmax_reports.facts import REFERENCE, TIMED_N, summary
from softmax_reports.numbers import count, digits, in_order, sampled_maximum
from softmax_reports.section import Paragraph, Section, Table

if TYPE_CHECKING:
    from softmax_harness.run.results import Run

_READING = (
    "Errors are in ulp, units in the last place of the exact value, which mpmath computed from the "
    "logits as stored. A maximum over samples is a lower bound, hence ≥. Broken elements were lost "
    "though the dtype could hold them: overflow, a denominator that underflowed, an unexplained "
    "NaN, a zero that should not be, a result outside [0, 1], a wrong special value. Inaccurate "
    "ones err by more than a well-made softmax owes: the bound of the shifted form with a pairwise "
    "sum. The tail’s largest error mostly comes from rounding x − max x; where the result is at "
    "least 1/n it is far smaller. Over input rounding: the error divided by what half-ulp changes "
    "of the logits would do anyway; up to 1 it hardly matters."
)


def recommendation(run: Run) -> Section:
    """Sentences first, one for each dtype, then the table behind them."""
    table = summary(run)
    dtypes = in_order(table.index.get_level_values("dtype"))
    parts: list[Paragraph | Table] = [
        Paragraph(_sentence(dtype, table.xs(dtype, level="dtype"))) for dtype in dtypes
    ]
    parts.append(Paragraph(_READING))
    parts += [_comparison(dtype, table.xs(dtype, level="dtype")) for dtype in dtypes]
    return Section("Which softmax to use", [*parts, _what_dtypes_hold(dtypes)])


def _sentence(dtype: str, rows: pd.DataFrame) -> str:
    candidates = rows.drop(index=REFERENCE, errors="ignore")
    sound = candidates[(candidates["broken"] == 0) & (candidates["inaccurate"] == 0)]
    if candidates.empty:
        return f"{dtype}: only the exact reference was measured."
    if sound.empty:
        least = candidates.sort_values(["broken", "inaccurate", "max_ulp"]).iloc[0]
        return (
            f"{dtype}: none is without fault. {least.name} has the fewest: "
            f"{count(int(least['broken']), int(least['elements']))} elements broken, "
            f"{count(int(least['inaccurate']), int(least['elements']))} inaccurate."
        )
    best = sound.loc[sound["max_ulp"].idxmin()]
    text = (
        f"{dtype}: {best.name} is the most accurate of those that never break, "
        f"with errors up to {sampled_maximum(best['max_ulp'])} ulp"
    )
    fast = sound.loc[sound["time"].idxmin()] if sound["time"].notna().any() else best
    if fast.name == best.name:
        return f"{text}{', and the fastest of them' if not math.isnan(best['time']) else ''}."
    return (
        f"{text}; {fast.name} takes {digits(fast['time'] / best['time'], 2)} of its time "
        f"and errs by up to {sampled_maximum(fast['max_ulp'])} ulp "
        f"({sampled_maximum(fast['max_ulp_probable'])} where the result is at least 1/n)."
    )


def _comparison(dtype: str, rows: pd.DataFrame) -> Table:
    ordered = rows.sort_values(["broken", "inaccurate", "max_ulp"])
    return Table(
        f"All implementations in {dtype}, best first; {int(rows['elements'].max())} elements",
        (
            "implementation",
            "broken",
            "inaccurate",
            "largest error (ulp)",
            "where z ≥ 1/n",
            "mean",
            "over input rounding",
            f"time, n = {TIMED_N}",
        ),
        [
            (
                str(name),
                str(int(row["broken"])),
                str(int(row["inaccurate"])),
                sampled_maximum(row["max_ulp"]),
                sampled_maximum(row["max_ulp_probable"]),
                digits(row["mean_ulp"]),
                sampled_maximum(row["max_vs_input_rounding"]),
                "–" if math.isnan(row["time"]) else f"{digits(row['time'])} ×",
            )
            for name, row in ordered.iterrows()
        ],
    )


def _what_dtypes_hold(dtypes: list[str]) -> Table:
    """The limits of each format, from its definition."""
    return Table(
        "What each dtype can hold, for whoever is choosing one",
        (
            "dtype",
            "exp overflows from x =",
            "smallest probability",
            "a probability rounds to 0 at a gap of",
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
            for name in dtypes
        ],
    )
