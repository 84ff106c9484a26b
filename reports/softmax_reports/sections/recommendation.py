"""Which implementation to use in which dtype."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pandas as pd
from softmax_harness.ground.formats import FORMATS

from softmax_reports.facts import REFERENCE, TIMED_N, listed, scope, summary
from softmax_reports.numbers import count, digits, in_order, sampled_maximum
from softmax_reports.section import Paragraph, Section, Table
from softmax_reports.times import TOO_NOISY, timed_pair

if TYPE_CHECKING:
    from softmax_harness.run.results import Run

_FROM_BEST = ["breaks", "broken", "inaccurate", "flushed", "max_ulp"]

_READING = (
    "Errors are in ulp, units in the last place of the exact value. mpmath computes the exact "
    "value from the logits as stored. A maximum over samples is a lower bound, so it is shown "
    "with ≥. A broken element is lost although the dtype could hold its result: overflow, a "
    "denominator that underflowed, an unexplained NaN, a zero that should not be, a result "
    "outside [0, 1], or a wrong special value. An implementation breaks where an element is "
    "broken, or where the outputs of a row sum to 1 ± more than 1 % (or than rounding each "
    "output may cause, where that is more). An inaccurate element errs by more than the "
    "standard of accuracy that the implementation declares allows. Where it declares none, that "
    "is what working in a wider type and rounding once may cause in formats of 16 bits, and in "
    "wider formats what working in the format itself may cause, with a pairwise sum. "
    "A result is flushed to 0 where a subnormal number was due that the standard tells from 0. "
    "“Over input rounding” is the error divided by the change that rounding the logits by half "
    "an ulp may cause; up to 1 the error is no larger than that change. A cell is one "
    "implementation on one family of inputs with rows of one length."
)


def recommendation(run: Run) -> Section:
    """Sentences first, one paragraph for each dtype, then the table behind them."""
    table = summary(run)
    dtypes = in_order(table.index.get_level_values("dtype"))
    parts: list[Paragraph | Table] = [
        Paragraph(_conclusion(dtype, table.xs(dtype, level="dtype"), run)) for dtype in dtypes
    ]
    parts.append(Paragraph(_READING))
    parts += [_comparison(dtype, table.xs(dtype, level="dtype")) for dtype in dtypes]
    return Section("Which softmax to use", [*parts, _what_dtypes_hold(dtypes)])


def _conclusion(dtype: str, rows: pd.DataFrame, run: Run) -> str:
    """Which to use in `dtype`, of those that nowhere broke, were inaccurate or flushed to 0."""
    candidates = rows.drop(index=REFERENCE, errors="ignore")
    if candidates.empty:
        return f"{dtype}: only the exact reference was measured."
    measured = scope(run.results[run.results["dtype"] == dtype])
    timings = run.tables.get("timings", pd.DataFrame())  # asked only where there are times
    begun = f"{dtype} ({measured}, seed {run.info['options']['seed']}):"
    is_sound = (candidates[["breaks", "inaccurate", "flushed"]] == 0).all(axis=1)
    sound, told = candidates[is_sound], f"{_left_out(candidates)}{_flushing(candidates)}"
    if sound.empty:
        return f"{begun} {_least_bad(candidates)}{_flushing(candidates)}"
    if sound["max_ulp"].isna().all():  # all results are fixed by rules: NaN, or 0 where masked
        return f"{begun} no result has an error in ulp.{told}"
    return f"{begun} {_best(sound, timings, dtype)}{told}"


def _least_bad(candidates: pd.DataFrame) -> str:
    least = candidates.sort_values(_FROM_BEST).iloc[0]
    return (
        f"no implementation is without fault. {least.name} has the fewest: it breaks in "
        f"{count(int(least['breaks']), int(least['cells']))} cells, and "
        f"{count(int(least['inaccurate']), int(least['elements']))} elements are inaccurate."
    )


def _best(sound: pd.DataFrame, timings: pd.DataFrame, dtype: str) -> str:
    best = sound.loc[sound["max_ulp"].idxmin()]
    text = (
        f"{best.name} is the most accurate of those that never broke, were never inaccurate and "
        f"flushed nothing to 0, and its largest error is {_errors(best)}"
    )
    fast = sound.loc[sound["time"].idxmin()] if sound["time"].notna().any() else best
    if fast.name == best.name:
        others = sound.drop(index=str(best.name))
        is_surely = bool((best["time_high"] < others["time_low"]).all())
        return f"{text}{'. It is the fastest of them' if others.size and is_surely else ''}."
    if math.isnan(best["time"]):
        return f"{text}; it was not timed."
    names = (str(best.name), str(fast.name))
    ratio = timed_pair(timings, dtype, TIMED_N, names)
    if ratio == TOO_NOISY:
        return f"{text}. None of them was surely faster in rows of {TIMED_N}."
    return (
        f"{text}. In rows of {TIMED_N} it takes {ratio} times as long as {fast.name}, whose "
        f"largest error is {_errors(fast)}."
    )


def _errors(row: pd.Series) -> str:
    probable = row["max_ulp_probable"]
    where = "" if math.isnan(probable) else f" ({sampled_maximum(probable)} where z ≥ 1/n)"
    return f"{sampled_maximum(row['max_ulp'])} ulp{where}"


def _left_out(candidates: pd.DataFrame) -> str:
    """Who broke, most first."""
    broke = candidates[candidates["breaks"] > 0].sort_values("breaks", ascending=False)
    told = [
        f"{name} {'breaks ' if place == 0 else ''}in {int(row['breaks'])} of {int(row['cells'])}"
        + (" cells" if place == 0 else "")
        for place, (name, row) in enumerate(broke.iterrows())
    ]
    return f" {listed(told)}." if told else " None breaks."


def _flushing(candidates: pd.DataFrame) -> str:
    """Who gives 0 in place of subnormal results, most first."""
    flushes = candidates[candidates["flushed"] > 0].sort_values("flushed", ascending=False)
    told = [
        f"{name} {'flushes ' if place == 0 else ''}{int(row['flushed'])}"
        for place, (name, row) in enumerate(flushes.iterrows())
    ]
    return f" {listed(told)} subnormal results to 0." if told else ""


def _comparison(dtype: str, rows: pd.DataFrame) -> Table:
    ordered = rows.sort_values(_FROM_BEST)
    return Table(
        f"All implementations in {dtype}, best first; {int(rows['elements'].max())} elements in "
        f"{int(rows['cells'].max())} cells",
        (
            "implementation",
            "cells that break",
            "elements broken",
            "inaccurate",
            "flushed to 0",
            "largest error (ulp)",
            "where z ≥ 1/n",
            "mean",
            "over input rounding",
            "a row’s sum off by",
            f"time, n = {TIMED_N}",
        ),
        [
            (
                str(name),
                str(int(row["breaks"])),
                str(int(row["broken"])),
                str(int(row["inaccurate"])),
                str(int(row["flushed"])),
                sampled_maximum(row["max_ulp"]),
                sampled_maximum(row["max_ulp_probable"]),
                digits(row["mean_ulp"]),
                sampled_maximum(row["max_vs_input_rounding"]),
                sampled_maximum(row["sum_defect"]),
                _interval(row),
            )
            for name, row in ordered.iterrows()
        ],
    )


def _interval(row: pd.Series) -> str:
    """The time over that of the fastest, with its interval."""
    if math.isnan(row["time"]):
        return "–"
    return f"{digits(row['time'])} ({digits(row['time_low'])}–{digits(row['time_high'])}) ×"


def _what_dtypes_hold(dtypes: list[str]) -> Table:
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
            for name in dtypes
        ],
    )
