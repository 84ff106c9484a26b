"""What to use in each dtype, in words anyone reads, each sentence with what it was measured on."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING

import pandas as pd
from softmax_harness.ground.formats import FORMATS
from softmax_harness.judgement.outcomes import BROKEN
from softmax_harness.operations import qualified

from softmax_reports.choice import Choice, chosen
from softmax_reports.facts import (
    TIMED_N,
    anchor_of,
    listed,
    meaning,
    operation_of,
    relative,
    scope_in_words,
    summary,
    sums_to_one,
)
from softmax_reports.numbers import (
    count,
    counted,
    digits,
    in_order,
    part_of_value,
    percent,
    sampled_maximum,
    whole,
)
from softmax_reports.section import Link, Section, Table, Verdict, Verdicts
from softmax_reports.times import TOO_NOISY, timed_pair

if TYPE_CHECKING:
    from softmax_harness.run.results import Run

_RANGE = "The range is that of the middle half of the timings."
_NAMED = 6  # of those that do the same
_BY_SUM = "rows that do not sum to 1"
# An error larger than the result that yet is within the standard.
_CANCELLED = ", which the standard allows where large terms cancel or overflow"
# What is given, and is no event by which one breaks.
_GIVEN = {
    _BY_SUM: _BY_SUM,
    "nan": "NaN",
    "wrong special": "wrong special values",
    "out of range": "results out of range",
}


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
        return Verdict(dtype, "nothing to compare", "", [("", _nothing(rows, dtype))])
    named = (
        f"use {choice.use}" if choice.is_sound else f"none is without fault; least: {choice.use}"
    )
    told = {
        "Reliable": _reliable(choice, dtype, run),
        "Avoid": _avoid(choice, dtype, run),
        "At worst": _errors(choice, dtype, run),
        "Speed": _speed(choice, dtype, run),
        "Closest to exact": _closest(choice, dtype, run),
        f"{dtype} suits": _suits(choice, dtype, run),
    }
    facts = [(label, text) for label, text in told.items() if text]
    return Verdict(dtype, named, meaning(run, choice.use), facts, _faults(choice, dtype, run))


def _nothing(rows: pd.DataFrame, dtype: str) -> str:
    if list(rows.index) == ["exact"]:
        return f"In {dtype} only the exact reference was measured."
    return f"In {dtype} no result has an error in ulp."


def _measured(dtype: str, run: Run) -> str:
    return scope_in_words(run.results[run.results["dtype"] == dtype])


def _avoid(choice: Choice, dtype: str, run: Run) -> str:
    """Whose calls fail; who breaks and by what, most first; who only errs much or flushes."""
    others = choice.others.drop(index=choice.use)
    broke = others[others["breaks"] > 0].sort_values("breaks", ascending=False, kind="stable")
    kept = others[others["breaks"] == 0]
    failed = {str(name): fault for name in others.index if (fault := _of_calls(name, dtype, run))}
    reasons: dict[str, list[str]] = {}
    for name in broke.index:
        reason = _reason(str(name), dtype, run)
        # What a call that fails did not give counts as NaN.
        if name not in failed or reason != "nan":
            reasons.setdefault(reason, []).append(str(name))
    told = [f"calls of {name} fail: one {fault}" for name, fault in failed.items()]
    told += [
        f"{_do(names, 'give')} {_GIVEN[reason]}"
        if reason in _GIVEN
        else f"{_do(names, 'break')} by {reason}"
        for reason, names in reasons.items()
    ]
    wrong = kept[kept["inaccurate"] > 0].sort_values("inaccurate", ascending=False, kind="stable")
    flushed = kept[(kept["flushed"] > 0) & (kept["inaccurate"] == 0)]
    told += [f"{_do(wrong.index, 'give')} inaccurate results"] if len(wrong) else []
    told += [f"{_do(flushed.index, 'flush')} small results to 0"] if len(flushed) else []
    if told:
        return f"In {dtype} {'; '.join(told)}."
    names = listed([str(name) for name in others.index])
    return f"Nothing: in {dtype} none of {names} has a fault." if names else ""


def _of_calls(name: object, dtype: str, run: Run) -> str:
    """The first thing that was wrong with calls of an implementation, without its remedy."""
    found = run.info["faults"].get(f"{qualified(operation_of(run), str(name))} {dtype}", ())
    return found[0].partition("; ")[0] if found else ""


def _do(names: Iterable[object], what: str) -> str:
    """``naive breaks``, ``naive and two-pass break``; of many the first few are named."""
    each = [str(name) for name in names]
    more = len(each) - _NAMED
    shown = [*each[:_NAMED], f"{more} more"] if more > 1 else each
    alone = {"flush": "flushes"}.get(what, f"{what}s")
    return f"{listed(shown)} {what if each[1:] else alone}"


def _reason(name: str, dtype: str, run: Run) -> str:
    """By which outcome it mostly breaks, or by its sums alone."""
    cells = run.results[(run.results["implementation"] == name) & (run.results["dtype"] == dtype)]
    outcomes = cells[[*BROKEN]].sum()
    return str(outcomes.idxmax()).replace("_", " ") if outcomes.any() else _BY_SUM


def _faults(choice: Choice, dtype: str, run: Run) -> Table | None:
    """How often each of those to avoid fails; its largest error leads to the witness."""
    others = choice.others.drop(index=choice.use)
    others = others[(others[["breaks", "inaccurate", "flushed"]] > 0).any(axis=1)]
    order = others.sort_values(["breaks", "inaccurate"], ascending=False, kind="stable")
    rows = [
        (
            str(name),
            _to_witness(row["max_ulp"], anchor_of(operation_of(run), dtype, str(name))),
            percent(row["breaks"] / row["cells"]),
            percent(row["inaccurate"] / row["elements"]),
        )
        for name, row in order.iterrows()
    ]
    caption = f"Those to avoid in {dtype}. Each error leads to its witness"
    header = ("avoid", "largest error (ulp)", "cells that break", "inaccurate")
    return Table(caption, header, rows) if rows else None


def _to_witness(error: float, anchor: str) -> str:
    """An error, and where it has none nothing to lead to."""
    return sampled_maximum(error) if math.isnan(error) else Link(sampled_maximum(error), anchor)


def _errors(choice: Choice, dtype: str, run: Run) -> str:
    row = choice.others.loc[choice.use]
    largest, probable = row["max_ulp"], row["max_ulp_probable"]
    begun = f"A result of {choice.use} in {dtype} was off by up to {_error(largest, dtype)}"
    if math.isnan(largest):
        return ""
    if not sums_to_one(run):
        is_allowed = relative(largest, dtype) > 1 and not row["inaccurate"]
        return f"{begun}{_CANCELLED if is_allowed else ''}."
    if math.isnan(probable):
        return f"{begun}."
    if probable >= 0.9 * largest:
        return f"{begun}, on probable classes as on others."
    return (
        f"{begun}, on improbable classes; on probable ones, of at least 1/n, by up to "
        f"{_error(probable, dtype)}."
    )


def _error(ulp: float, dtype: str) -> str:
    """What part of the value an error is, and how many ulp."""
    part = relative(ulp, dtype)
    shown = f"{digits(ulp)} ulp"
    return shown if math.isnan(part) else f"{part_of_value(part)} ({shown})"


def _closest(choice: Choice, dtype: str, run: Run) -> str:
    """The most accurate without fault; where several are, as figures are shown, all of them."""
    if not choice.is_sound:
        return ""
    is_used = choice.closest == choice.use
    if is_used and len(choice.tied) == 1:
        return _closest_itself(choice, dtype)
    others = [name for name in choice.tied if name != choice.closest]
    names = listed([choice.closest, *others])
    begun = f"{names} {'err' if others else 'errs'} least of those without fault in {dtype}"
    told = [f"{begun}, by up to {_error(choice.sound.loc[choice.closest, 'max_ulp'], dtype)}"]
    told += _faster(choice, others, dtype, run) if others else []
    if is_used or "timings" not in run.tables:
        return f"{'; '.join(told)}."
    ratio = timed_pair(run.tables["timings"], dtype, TIMED_N, (choice.closest, choice.use))
    if ratio in ("–", TOO_NOISY):
        slower = f"The time of {choice.closest} is {'not known' if ratio == '–' else TOO_NOISY}."
    else:
        slower = f"{choice.closest} takes {ratio} times as long as {choice.use}."
    return f"{'; '.join(told)}. {slower}"


def _closest_itself(choice: Choice, dtype: str) -> str:
    """That none is closer than the one to use, whose error stands above."""
    more = len(choice.sound) - 1
    if more == 1:
        return f"{choice.use} itself: the other without fault in {dtype} errs more."
    if more:
        return f"{choice.use} itself: each of the {more} others without fault in {dtype} errs more."
    return f"{choice.use} itself, which alone is without fault in {dtype}."


def _faster(choice: Choice, others: list[str], dtype: str, run: Run) -> list[str]:
    """How the speed decides between those that tie; nothing without times."""
    if "timings" not in run.tables or math.isnan(choice.sound.loc[choice.closest, "time"]):
        return []
    pairs = [(name, choice.closest) for name in others]
    if {timed_pair(run.tables["timings"], dtype, TIMED_N, pair) for pair in pairs} <= {TOO_NOISY}:
        return [f"their times are {TOO_NOISY}"]
    return [f"of these {choice.closest} has the shortest time"]


def _speed(choice: Choice, dtype: str, run: Run) -> str:
    timed = choice.others[choice.others["time"].notna()]
    if choice.use not in timed.index:
        return ""
    rows = f"in rows of {whole(TIMED_N)} logits"
    fastest = str(timed["time"].idxmin())
    if fastest == choice.use:
        others = timed.drop(index=fastest)
        alone = others.empty or bool((others["time_low"] > timed.loc[fastest, "time_high"]).all())
        surely = "is the fastest that was timed" if alone else "has the shortest time"
        return f"{choice.use} {surely} in {dtype}, {rows}."
    ratio = timed_pair(run.tables["timings"], dtype, TIMED_N, (choice.use, fastest))
    faulty = "" if fastest in choice.sound.index else ", which has faults"
    if ratio == TOO_NOISY:
        return (
            f"{choice.use} cannot be told from {fastest}, the fastest{faulty}, by its time {rows}."
        )
    return (
        f"{choice.use} takes {ratio} times as long as {fastest}, the fastest{faulty}, {rows}. "
        f"{_RANGE}"
    )


def _reliable(choice: Choice, dtype: str, run: Run) -> str:
    row = choice.others.loc[choice.use]
    on = f"({_measured(dtype, run)}, seed {run.info['options']['seed']})"
    failed = f" A call of it {fault}." if (fault := _of_calls(choice.use, dtype, run)) else ""
    if choice.is_sound:
        return (
            f"{choice.use} never broke in {counted(int(row['elements']), 'result')} {on}: none "
            f"overflowed or was lost, none was inaccurate, and none was flushed to 0.{failed}"
        )
    where = f"{counted(int(row['cells']), 'cell')} {on}"
    broke = f"breaks in {whole(row['breaks'])} ({percent(row['breaks'] / row['cells'])})"
    wrong = f"{count(int(row['inaccurate']), int(row['elements']))} results inaccurate"
    flushed = f"{whole(row['flushed'])} flushed to 0"
    return f"Of {where}, {choice.use} {broke}, with {wrong} and {flushed}.{failed}"


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
