"""What to use in each dtype, in words anyone reads, each sentence with what it was measured on."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pandas as pd
from softmax_harness.ground.formats import FORMATS
from softmax_harness.judgement.outcomes import BROKEN

from softmax_reports.choice import Choice, chosen
from softmax_reports.facts import (
    TIMED_N,
    listed,
    meaning,
    operation_of,
    relative,
    scope,
    summary,
    sums_to_one,
)
from softmax_reports.numbers import (
    count,
    counted,
    digits,
    in_order,
    percent,
    whole,
)
from softmax_reports.section import Section, Verdict, Verdicts
from softmax_reports.times import TOO_NOISY, timed_pair

if TYPE_CHECKING:
    from softmax_harness.run.results import Run

_NAMED = 3  # to avoid, with what they do


def verdicts(run: Run) -> Section:
    """A card for each dtype."""
    table = summary(run)
    dtypes = in_order(table.index.get_level_values("dtype"))
    cards = [verdict(dtype, table.xs(dtype, level="dtype"), run) for dtype in dtypes]
    return Section(f"Which {operation_of(run)} to use", [Verdicts(cards)])


def verdict(dtype: str, rows: pd.DataFrame, run: Run) -> Verdict:
    """What the results in one dtype recommend."""
    choice = chosen(rows)
    if choice is None:
        return Verdict(dtype, "nothing to compare", [("", _nothing(rows, dtype))])
    named = (
        f"use {choice.use}" if choice.is_sound else f"none is without fault; least: {choice.use}"
    )
    told = {
        "What it is": meaning(run, choice.use),
        "Reliable": _reliable(choice, dtype, run),
        "At worst": _errors(choice, dtype, run),
        "Speed": _speed(choice, dtype, run),
        "Closest to exact": _closest(choice, dtype, run),
        "Avoid": _avoid(choice, dtype, run),
        f"{dtype} suits": _suits(choice, dtype, run),
    }
    return Verdict(dtype, named, [(label, text) for label, text in told.items() if text])


def _nothing(rows: pd.DataFrame, dtype: str) -> str:
    if list(rows.index) == ["exact"]:
        return f"In {dtype} only the exact reference was measured."
    return f"In {dtype} no result has an error in ulp."


def _measured(dtype: str, run: Run) -> str:
    return scope(run.results[run.results["dtype"] == dtype])


def _reliable(choice: Choice, dtype: str, run: Run) -> str:
    row = choice.others.loc[choice.use]
    cells = counted(int(row["cells"]), "cell")
    where = f"{cells} ({_measured(dtype, run)}, seed {run.info['options']['seed']})"
    if choice.is_sound:
        return (
            f"{choice.use} never broke in {where}: nothing overflowed or was lost, no result was "
            "inaccurate, and none was flushed to 0."
        )
    broke = f"breaks in {count(int(row['breaks']), int(row['cells']))} of them"
    wrong = f"{count(int(row['inaccurate']), int(row['elements']))} results inaccurate"
    flushed = f"{whole(row['flushed'])} flushed to 0"
    return f"Of {where}, {choice.use} {broke}, with {wrong} and {flushed}."


def _errors(choice: Choice, dtype: str, run: Run) -> str:
    row = choice.others.loc[choice.use]
    largest, probable = row["max_ulp"], row["max_ulp_probable"]
    begun = f"An error of {choice.use} in {dtype} reaches {_error(largest, dtype)}"
    if math.isnan(largest):
        return ""
    if math.isnan(probable) or not sums_to_one(run):
        return f"{begun}."
    if probable >= 0.9 * largest:
        return f"{begun}, on probable classes as on others."
    return (
        f"{begun}, on improbable classes. On probable ones (at least 1/n) it reaches "
        f"{_error(probable, dtype)}."
    )


def _error(ulp: float, dtype: str) -> str:
    """An error in ulp, and what part of the value that is."""
    part = relative(ulp, dtype)
    shown = "" if math.isnan(part) else f" ({digits(part, 2)} of the value)"
    return f"{digits(ulp)} ulp{shown}"


def _speed(choice: Choice, dtype: str, run: Run) -> str:
    timed = choice.others[choice.others["time"].notna()]
    if choice.use not in timed.index:
        return ""
    fastest = str(timed["time"].idxmin())
    if fastest == choice.use:
        others = timed.drop(index=fastest)
        alone = others.empty or bool((others["time_low"] > timed.loc[fastest, "time_high"]).all())
        surely = "is the fastest that was timed" if alone else "has the shortest time"
        return f"{choice.use} {surely} in {dtype}, in rows of {whole(TIMED_N)}."
    ratio = timed_pair(run.tables["timings"], dtype, TIMED_N, (choice.use, fastest))
    faulty = "" if fastest in choice.sound.index else ", which has faults"
    if ratio == TOO_NOISY:
        return (
            f"{choice.use} cannot be told from {fastest}, the fastest{faulty}, by its time in rows "
            f"of {whole(TIMED_N)}."
        )
    return (
        f"{choice.use} takes {ratio} times as long as {fastest}, the fastest{faulty}, in rows of "
        f"{whole(TIMED_N)}."
    )


def _closest(choice: Choice, dtype: str, run: Run) -> str:
    if not choice.is_sound:
        return ""
    row = choice.others.loc[choice.closest]
    if choice.closest == choice.use:
        others = choice.sound.drop(index=choice.use)
        equal = [str(name) for name in others.index[others["max_ulp"] <= row["max_ulp"]]]
        beside = f", as {listed(equal)} is" if equal else ""
        return f"{choice.use} itself is the most accurate without fault in {dtype}{beside}."
    begun = f"{choice.closest} errs by up to {_error(row['max_ulp'], dtype)} in {dtype}"
    if "timings" not in run.tables:
        return f"{begun}."
    ratio = timed_pair(run.tables["timings"], dtype, TIMED_N, (choice.closest, choice.use))
    if ratio in ("–", TOO_NOISY):
        return f"{begun}; its time is {ratio if ratio == TOO_NOISY else 'not known'}."
    return f"{begun}, in {ratio} times the time of {choice.use}."


def _avoid(choice: Choice, dtype: str, run: Run) -> str:
    """Who breaks, most first, and how; then who is only inaccurate or flushes."""
    others = choice.others.drop(index=choice.use)
    broke = others[others["breaks"] > 0].sort_values("breaks", ascending=False, kind="stable")
    kept = others[others["breaks"] == 0]
    told = [_how(str(name), row, dtype, run) for name, row in broke.head(_NAMED).iterrows()]
    told += [*_also(broke.iloc[_NAMED:]), *_inaccurate(kept), *_flushing(kept)]
    if told:
        return f"In {dtype} ({_measured(dtype, run)}): {'; '.join(told)}."
    names = listed([str(name) for name in others.index])
    return f"Nothing: in {dtype} none of {names} has a fault." if names else ""


def _how(name: str, row: pd.Series, dtype: str, run: Run) -> str:
    """In how many cells it breaks, and what happens most."""
    cells = run.results[(run.results["implementation"] == name) & (run.results["dtype"] == dtype)]
    outcomes = cells[[*BROKEN]].sum()
    text = f"{name} breaks in {count(int(row['breaks']), int(row['cells']), 'cells')}"
    if not outcomes.any():
        return f"{text}, where its rows sum to 1 ± more than 1 %"
    return f"{text}, mostly by {str(outcomes.idxmax()).replace('_', ' ')}"


def _also(broke: pd.DataFrame) -> list[str]:
    names = [f"{name} (in {whole(row['breaks'])})" for name, row in broke.iterrows()]
    return [f"{listed(names)} also break{'' if names[1:] else 's'}"] if names else []


def _inaccurate(kept: pd.DataFrame) -> list[str]:
    """Who never breaks, but errs by more than its standard allows."""
    wrong = kept[kept["inaccurate"] > 0].sort_values("inaccurate", ascending=False, kind="stable")
    names = [
        f"{name} ({percent(row['inaccurate'] / row['elements'])})" for name, row in wrong.iterrows()
    ]
    some = "never break but give" if names[1:] else "never breaks but gives"
    return [f"{listed(names)} {some} inaccurate results"] if names else []


def _flushing(kept: pd.DataFrame) -> list[str]:
    flushed = kept[(kept["flushed"] > 0) & (kept["inaccurate"] == 0)]
    names = [str(name) for name in flushed.index]
    return [f"{listed(names)} flush{'' if names[1:] else 'es'} small results to 0"] if names else []


def _suits(choice: Choice, dtype: str, run: Run) -> str:
    """For whom the dtype is: from what it holds, and what was measured on real logits."""
    told = []
    digits_table = run.tables.get("digits")
    if digits_table is not None and sums_to_one(run):
        own = digits_table[
            (digits_table["dtype"] == dtype) & (digits_table["implementation"] == choice.use)
        ]
        told += [_of_digits(row, dtype, choice.use) for _, row in own.iterrows()]
    if dtype in FORMATS and sums_to_one(run):
        smallest = digits(FORMATS[dtype].smallest_subnormal, 2)
        told.append(f"{dtype} has no probability between 0 and {smallest}.")
    return " ".join(told)


def _of_digits(row: pd.Series, dtype: str, use: str) -> str:
    rows, changed, stored = (int(row[key]) for key in ("rows", "changed", "changed_by_storage"))
    of = f"of {counted(rows, 'handwritten digit')}"
    if changed == 0 and stored == 0:
        return f"Picking a class: with {use} in {dtype} no prediction {of} changes."
    lost = f"rounding the logits to {dtype} changes {whole(stored)} of {whole(rows)} predictions"
    if changed == 0:
        return f"Picking a class: {use} in {dtype} changes no prediction; {lost}."
    more = f"{use} in {dtype} changes {whole(changed)} more"
    return f"Picking a class, but not each as exactly: {lost}, and {more}."
