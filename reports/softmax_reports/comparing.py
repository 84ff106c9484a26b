"""The page of two runs: what got worse and better, cell by cell, and nothing of what did not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from softmax_harness.judgement.outcomes import OUTCOMES
from softmax_harness.run.compare import Change, Compared
from softmax_harness.run.results import KEYS

from softmax_reports.header import header_of
from softmax_reports.numbers import counted, digits, in_order, whole
from softmax_reports.rendering import Page, render_html
from softmax_reports.section import Folded, Paragraph, Part, Section, Table
from softmax_reports.sections.glossary import words
from softmax_reports.sections.worst_witnesses import command_of

if TYPE_CHECKING:
    import pandas as pd

_COLUMNS = (1, 2, 0)  # of the cells' keys: implementation, dtype, operation
_SHOWN = 40  # of the numbers that are worse; the others are folded away
_WORDS = {
    **{str(each): f"elements: {each.meaning}" for each in OUTCOMES},
    "max_ulp": "largest error (ulp)",
    "mean_ulp": "mean error (ulp)",
    "max_ulp_probable": "largest error where z ≥ 1/n (ulp)",
}


def comparison_html(compared: Compared) -> str:
    """The page as one file."""
    changed = [_section(compared, kind) for kind in ("worse", "better")]
    told = [_verdict(compared), *(each for each in changed if each), *_cells(compared)]
    sections = [*told, words()]
    return render_html(Page("What changed?", _header(compared), sections), {})


def _header(compared: Compared) -> list[tuple[str, str]]:
    """Of both runs what differs, and of what is the same the label alone once."""
    before, now = dict(header_of(compared.before)), dict(header_of(compared.now))
    told = [("A", compared.called[0]), ("B", compared.called[1])]
    for label in dict.fromkeys([*before, *now]):
        own, other = before.get(label, "–"), now.get(label, "–")
        if own == other:
            told.append((label, own))
        else:
            told += [(f"{label}, A", own), (f"{label}, B", other)]
    return told


def _verdict(compared: Compared) -> Section:
    """In how many cells something is worse, in how many only better, and in how many nothing."""
    kinds: dict[tuple[Any, ...], set[str]] = {}
    for each in compared.changes:
        kinds.setdefault(each.cell, set()).add(each.change)
    worse = sum("worse" in each for each in kinds.values())
    better = sum(each == {"better"} for each in kinds.values())
    both = len(compared.now.results) - sum("new" in each for each in kinds.values())
    parts: list[Part] = [Paragraph(_said(worse, better, both))]
    if compared.changes:
        parts.append(_by_implementation(compared))
    return Section("In short", parts)


def _said(worse: int, better: int, both: int) -> str:
    """The verdict in a sentence."""
    if not both:
        return "A and B have no cell in common, and so nothing to compare."
    cells = counted(both, "cell")
    if not worse and not better:
        return (
            f"B is the same as A in {'each of the ' if both > 1 else 'the '}{cells} that both have."
        )
    same = both - worse - better
    return (
        f"B is worse than A in {_or_none(worse)} of the {cells} that both have, better in "
        f"{_or_none(better)}, and the same in {_or_none(same)}."
    )


def _or_none(number: int) -> str:
    return whole(number) if number else "none"


def _by_implementation(compared: Compared) -> Table:
    """A line for each implementation and dtype of which anything changed."""
    counts: dict[tuple[str, str], Counter[str]] = {}
    for each in compared.changes:
        _, name, dtype, *_ = each.cell
        counts.setdefault((name, dtype), Counter())[each.change] += 1
    order = in_order(dtype for _, dtype in counts)
    keys = sorted(counts, key=lambda key: (order.index(key[1]), -counts[key]["worse"], key[0]))
    before, now = (_largest(run.results) for run in (compared.before, compared.now))
    return Table(
        "What changed, by implementation",
        (
            "implementation",
            "dtype",
            "numbers worse",
            "better",
            "cells new",
            "gone",
            "largest error, A",
            "B",
        ),
        [
            (
                *key,
                *(whole(counts[key][kind]) for kind in ("worse", "better", "new", "gone")),
                digits(before.get(key, float("nan"))),
                digits(now.get(key, float("nan"))),
            )
            for key in keys
        ],
        numeric_from=2,
    )


def _largest(results: pd.DataFrame) -> dict[tuple[str, str], float]:
    found: dict[tuple[str, str], float] = (
        results.groupby(["implementation", "dtype"])["max_ulp"].max().to_dict()
    )
    return found


def _section(compared: Compared, kind: str) -> Section | None:
    """The numbers that are worse, or better, those that changed by the largest factor first."""
    own = [each for each in compared.changes if each.change == kind]
    if not own:
        return None
    own.sort(key=lambda each: (-_factor(each), -(each.now or 0.0)))
    table = _table(compared, own, f"Each number that is {kind} in B")
    if kind == "better":
        return Section("Better", [Folded(f"All {counted(len(own), 'number')}", [table])])
    if len(own) <= _SHOWN:
        return Section("Worse", [table])
    caption = f"The {whole(_SHOWN)} numbers that grew by the largest factors"
    folded = Folded(f"All {counted(len(own), 'number')}", [table])
    return Section("Worse", [_table(compared, own[:_SHOWN], caption), folded])


def _table(compared: Compared, changes: Sequence[Change], caption: str) -> Table:
    """A line for each; what is the same in every line of the page stands in the caption alone."""
    cells = [each.cell for each in compared.changes]
    keys = [place for place in _COLUMNS if len({cell[place] for cell in cells}) > 1]
    told = [str(cells[0][place]) for place in _COLUMNS if place not in keys]
    header = (*(KEYS[place] for place in keys), "family", "what", "n", "A", "B", "B ÷ A", "replay")
    rows = [(*(str(each.cell[place]) for place in keys), *_row(compared, each)) for each in changes]
    caption = f"{caption} ({', '.join(told)})" if told else caption
    return Table(caption, header, rows, numeric_from=len(keys) + 2)


def _factor(change: Change) -> float:
    """By how much it changed, in ratio, whichever way."""
    before, now = change.before or 0.0, change.now or 0.0
    low, high = sorted((before, now))
    return high / low if low else float("inf")


def _row(compared: Compared, change: Change) -> tuple[str, ...]:
    """Family, what, n, both numbers, their ratio and the command that shows the second."""
    _, name, _, family, n = change.cell
    before, now = change.before or 0.0, change.now or 0.0
    cell = dict(zip(KEYS, change.cell, strict=True)) | {"implementation": compared.name or name}
    replay = command_of(compared.now, cell, change.witness) if change.witness else ""
    what = _WORDS.get(change.what, change.what.replace("_", " "))
    ratio = digits(now / before) if before else "∞"
    return family, what, whole(n), digits(before), digits(now), ratio, replay


def _cells(compared: Compared) -> list[Section]:
    """The cells that one run alone has."""
    parts: list[Part] = []
    for kind, has in (("new", "B"), ("gone", "A")):
        own = [each.cell for each in compared.changes if each.change == kind]
        if own:
            rows = [
                (name, dtype, operation, family, whole(n))
                for operation, name, dtype, family, n in own
            ]
            header = ("implementation", "dtype", "operation", "family", "n")
            table = Table(f"Cells that only {has} has", header, rows, numeric_from=4)
            parts.append(Folded(f"All {counted(len(own), 'cell')} that only {has} has", [table]))
    return [Section("Not in both", parts)] if parts else []
