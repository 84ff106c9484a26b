"""What can be said of measured times: each is an interval, and what overlaps is not ranked."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import pandas as pd

from softmax_reports.facts import REFERENCE, TIMED_N
from softmax_reports.numbers import digits, in_order, whole
from softmax_reports.section import Paragraph, Part, Table

TOO_NOISY = "too noisy to rank"
_MIDDLE, _LOW, _HIGH = "seconds_median", "seconds_q25", "seconds_q75"
_WIDE = 4 / 3  # an interval of a ratio of which no one number may stand for all
_READING = (
    "A time is the median of its samples, and the interval beside it holds the middle half of "
    f"them. Where the intervals of two times overlap, the two are {TOO_NOISY}. The interval of a "
    "ratio is what the intervals of its two times allow; where that spans more than a third, it "
    "stands alone. asv’s runner repeats each call, of 100 000 numbers in rows of n, in a process "
    "that uses its freed memory again. Compare within these tables only: other machines and other "
    "moments differ."
)


def is_apart(one: pd.Series, other: pd.Series) -> bool:
    """Whether the intervals of two rows of timings.csv are apart, so that they can be ranked."""
    return bool(one[_HIGH] < other[_LOW] or other[_HIGH] < one[_LOW])


def ratio_text(of: pd.Series, to: pd.Series) -> str:
    """How many times as long `of` takes, with its interval, from two rows of timings.csv."""
    if not is_apart(of, to):
        return TOO_NOISY
    low, high = of[_LOW] / to[_HIGH], of[_HIGH] / to[_LOW]
    interval = f"{digits(low)}–{digits(high)}"
    if high > _WIDE * low:
        return interval
    return f"{digits(of[_MIDDLE] / to[_MIDDLE])} ({interval})"


def timed_pair(timings: pd.DataFrame, dtype: str, n: int, names: tuple[str, str]) -> str:
    """`ratio_text` of the first of two implementations to the second; a dash if not timed."""
    rows = _at(timings, dtype, n)
    return ratio_text(*(rows.loc[name] for name in names)) if {*names} <= {*rows.index} else "–"


def time_parts(timings: pd.DataFrame, of: str = "") -> list[Part]:
    """How to read times, what cannot be ranked or was not timed, and the tables.

    Parameters
    ----------
    timings : DataFrame
        timings.csv of one operation.
    of : str
        The operation, where it is one of several, and how to read times is said before.
    """
    known = timings[timings[_MIDDLE].notna()]
    noisy, failed = _too_noisy(known), _failed(timings)
    ratios = "Time over that of the fastest in the same dtype and n, with its interval"
    each = "Nanoseconds a logit, with their interval"
    begun = f"{of}: " if of else ""
    return [
        *([] if of else [Paragraph(_READING)]),
        *(Paragraph(f"{begun}{text}") for text in (noisy, failed) if text),
        _table(f"{begun}{ratios}", known, _relative),
        _table(f"{begun}{each}", known, _nanoseconds),
    ]


def _at(timings: pd.DataFrame, dtype: str, n: int) -> pd.DataFrame:
    """What is known at one dtype and n, by implementation."""
    rows = timings[(timings["dtype"] == dtype) & (timings["n"] == n) & timings[_MIDDLE].notna()]
    return rows.set_index("implementation").sort_index()


def _too_noisy(timings: pd.DataFrame) -> str:
    """The pairs that cannot be ranked in rows of `TIMED_N`."""
    told = []
    for dtype in in_order(timings["dtype"]):
        rows = _at(timings, dtype, TIMED_N).drop(index=REFERENCE, errors="ignore")
        pairs: dict[str, list[str]] = {}
        for one, other in itertools.combinations(rows.index, 2):
            if not is_apart(rows.loc[one], rows.loc[other]):
                pairs.setdefault(one, []).append(other)
        each = [f"{one} with {' or '.join(others)}" for one, others in pairs.items()]
        told += [f"in {dtype} {', '.join(each)}"] if each else []
    return f"In rows of {whole(TIMED_N)}, {TOO_NOISY}: {'; '.join(told)}." if told else ""


def _failed(timings: pd.DataFrame) -> str:
    if "failure" not in timings:
        return ""
    rows = timings[timings[_MIDDLE].isna()]
    told = [
        f"{row.implementation} in {row.dtype} at n = {whole(row.n)} ({row.failure})"
        for row in rows.itertuples()
    ]
    return f"Could not be timed: {'; '.join(told)}." if told else ""


def _relative(row: pd.Series, others: pd.DataFrame) -> str:
    fastest = others.loc[others[_MIDDLE].idxmin()]
    return "1" if row.name == fastest.name else ratio_text(row, fastest)


def _nanoseconds(row: pd.Series, others: pd.DataFrame) -> str:
    per_second = row["ns_per_element"] / row[_MIDDLE]
    low, high = per_second * row[_LOW], per_second * row[_HIGH]
    if math.isnan(low):
        return digits(row["ns_per_element"])
    return f"{digits(row['ns_per_element'])} ({digits(low)}–{digits(high)})"


def _table(
    caption: str, timings: pd.DataFrame, text: Callable[[pd.Series, pd.DataFrame], str]
) -> Table:
    """A line for each dtype and implementation, a column for each n."""
    lengths = sorted(timings["n"].unique())
    rows = []
    for dtype in in_order(timings["dtype"]):
        at = {n: _at(timings, dtype, n) for n in lengths}
        names = sorted(timings[timings["dtype"] == dtype]["implementation"].unique())
        rows += [
            (
                str(name),
                dtype,
                *(text(at[n].loc[name], at[n]) if name in at[n].index else "–" for n in lengths),
            )
            for name in names
        ]
    header = ("implementation", "dtype", *(f"n = {whole(n)}" for n in lengths))
    return Table(caption, header, rows, numeric_from=2)
