"""Which implementation to use: decided from the summary of a run, in no words yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from softmax_reports.facts import REFERENCE

FROM_BEST = ["breaks", "broken", "inaccurate", "flushed", "max_ulp"]


@dataclass(frozen=True)
class Choice:
    """What the results of one operation in one dtype recommend.

    Attributes
    ----------
    use : str
        Of those without fault the fastest, or the most accurate of those that cannot be told from
        it by their times; the most accurate where nothing was timed. Where none is without fault,
        the one that has the fewest.
    closest : str
        The most accurate of those without fault, and of those that tie the fastest; `use` where
        there is none.
    tied : sequence of str
        Those without fault whose largest error is that of `closest`, as figures are shown.
    is_sound : bool
        Whether `use` is without fault: never broke, was never inaccurate, flushed nothing to 0.
    others : DataFrame
        Rows of the summary of all but the reference.
    sound : DataFrame
        Those of them without fault.
    """

    use: str
    closest: str
    tied: Sequence[str]
    is_sound: bool
    others: pd.DataFrame
    sound: pd.DataFrame


def chosen(rows: pd.DataFrame) -> Choice | None:
    """The choice from the rows of `softmax_reports.facts.summary` of one dtype.

    None where only the reference was measured, or no result has an error in ulp.
    """
    others = rows.drop(index=REFERENCE, errors="ignore")
    others = others[others["max_ulp"].notna() | (others["breaks"] > 0)]
    if others.empty:
        return None
    is_sound = (others[["breaks", "inaccurate", "flushed"]] == 0).all(axis=1)
    sound = others[is_sound & others["max_ulp"].notna()]
    if sound.empty:
        least = str(others.sort_values(FROM_BEST, kind="stable").index[0])
        return Choice(least, least, (), False, others, sound)
    use, closest = _of_sound(sound), _most_accurate(sound)
    errors = _shown(sound["max_ulp"])
    tied = [str(name) for name in errors.index[errors == errors[closest]]]
    return Choice(use, use if use in tied else closest, tied, True, others, sound)


def _of_sound(sound: pd.DataFrame) -> str:
    timed = sound[sound["time"].notna()]
    if timed.empty:
        return _most_accurate(sound)
    fastest = timed.loc[timed["time"].idxmin()]
    return _most_accurate(timed[~(timed["time_low"] > fastest["time_high"])])


def _most_accurate(rows: pd.DataFrame) -> str:
    """By the largest error, as it is shown, then by time; then by that on probable classes."""
    keys = rows.assign(shown=_shown(rows["max_ulp"]), probable=rows["max_ulp_probable"])
    keys = keys.sort_values(["shown", "time", "max_ulp", "probable"], kind="stable")
    return str(keys.index[0])


def _shown(errors: pd.Series) -> pd.Series:
    """Errors to the digits that are shown: who differs in none of them ties."""
    return errors.map(lambda error: float(f"{error:.2e}"))
