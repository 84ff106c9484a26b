"""Operations that use softmax (its logarithm, losses, gradients, attention): how wrong each is."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pandas as pd
from softmax_harness.judgement.outcomes import OUTCOMES
from softmax_harness.operations import DEFAULT_OPERATION, OPERATIONS
from softmax_harness.run.experiments.attention_shares import FAMILY, LENGTH

from softmax_reports.choice import chosen
from softmax_reports.facts import REFERENCE, anchor_of, full_scope, listed, summary
from softmax_reports.numbers import count, digits, in_order, sampled_maximum, whole
from softmax_reports.section import Folded, Link, Paragraph, Part, Section, Table
from softmax_reports.sections.comparison import table_of
from softmax_reports.sections.worst_witnesses import witness_parts
from softmax_reports.times import time_parts

if TYPE_CHECKING:
    from softmax_harness.run.results import Run

_GOOD = [each for each in OUTCOMES if each.is_good]
_RIGHT = "A result is right if it is as good as the standard of its implementation asks."


def operations(run: Run) -> Section | None:
    """What to use for each operation other than softmax, and then each in detail."""
    measured = run.results["operation"].unique()
    names = [name for name in OPERATIONS if name in measured]
    others = [name for name in names if name != _first(names)]
    if not others:
        return None
    said = [Paragraph(text) for text in _conclusions(run.results, others)]
    parts: list[Part] = [_verdicts(run, others), Folded("Who is right most often", said)]
    parts += [_of_operation(run.of(name), name) for name in others]
    if (table := run.tables.get("attention_shares")) is not None:
        parts += [Paragraph(_shares_conclusion(table))]
        parts += [Folded("Which step of attention errs most", [_shares(table)])]
    return Section("Other operations", parts)


def _first(names: list[str]) -> str:
    """The operation that the first sections tell of."""
    return DEFAULT_OPERATION if DEFAULT_OPERATION in names else names[0]


def _of_operation(run: Run, name: str) -> Folded:
    """How wrong it is, how fast where it was timed, and its witnesses."""
    timings = run.tables.get("timings", pd.DataFrame())
    times = time_parts(timings, name) if len(timings) else []
    lost = "A lost result became infinite, NaN or 0, left the range, or is a wrong special value."
    parts: list[Part] = [Paragraph(f"{name}: {OPERATIONS[name].summary}. {lost}"), table_of(run)]
    return Folded(name, [*parts, *times, *witness_parts(run)])


def _verdicts(run: Run, names: list[str]) -> Table:
    """A line for each operation and dtype: what to use, and what it errs by."""
    rows: list[tuple[str, ...]] = []
    for name in names:
        one = run.of(name)
        table = summary(one)
        for dtype in in_order(table.index.get_level_values("dtype")):
            choice = chosen(table.xs(dtype, level="dtype"))
            if choice is None:
                continue
            row = choice.others.loc[choice.use]
            avoid = choice.others.index[choice.others["breaks"] > 0]
            rows.append(
                (
                    name,
                    dtype,
                    choice.use if choice.is_sound else f"{choice.use}, with faults",
                    listed([str(each) for each in avoid if each != choice.use]) or "–",
                    Link(sampled_maximum(row["max_ulp"]), anchor_of(name, dtype, choice.use)),
                    count(int(row["breaks"]), int(row["cells"])),
                    count(int(row["inaccurate"]), int(row["elements"])),
                    count(int(row["flushed"]), int(row["elements"])),
                    digits(row["time"]),
                )
            )
    header: tuple[str, ...] = (
        "operation",
        "dtype",
        "use",
        "avoid, since it breaks",
        "largest error (ulp)",
        "cells that break",
        "inaccurate",
        "flushed to 0",
        "time, fastest = 1",
    )
    if all(row[-1] == "–" for row in rows):
        header, rows = header[:-1], [row[:-1] for row in rows]
    return Table("What to use for each operation", header, rows, numeric_from=4)


def _conclusions(results: pd.DataFrame, names: list[str]) -> list[str]:
    """What is meant by right, then a sentence or two for each operation."""
    tried = results[results["implementation"] != REFERENCE]
    measured = tried["operation"].unique()
    told = [_of_one(tried[tried["operation"] == name], name) for name in names if name in measured]
    return [_RIGHT, *told] if told else ["Only the exact reference was measured."]


def _of_one(cells: pd.DataFrame, name: str) -> str:
    """Who is right most often in the operation and who least, and where most is wrong."""
    cells = cells.assign(good=cells[_GOOD].sum(axis=1))
    shares = cells.groupby("implementation")[["good", "elements"]].sum()
    share = (shares["good"] / shares["elements"]).sort_values()
    measured = f"{name} ({full_scope(cells)})"
    most, fewest = _percent(share.iloc[-1]), _percent(share.iloc[0])
    if len(share) == 1:
        text = f"{share.index[0]} is right in {most} of the results"
    elif share.iloc[0] == share.iloc[-1]:
        text = f"each of {len(share)} implementations is right in {most} of the results"
    else:
        text = (
            f"{share.index[-1]} is right most often, in {most} of the results, and "
            f"{share.index[0]} least often, in {fewest}"
        )
    return f"{measured}: {text}.{_most_wrong(cells)}"


def _most_wrong(cells: pd.DataFrame) -> str:
    """The family in which the largest part of the results is wrong."""
    sums = cells.groupby("family")[["good", "elements"]].sum()
    wrong = 1 - sums["good"] / sums["elements"]
    if not wrong.any():
        return " None is wrong."
    if len(wrong) == 1:
        return ""
    return f" The results are wrong most often on {wrong.idxmax()}, in {_percent(wrong.max())}."


def _percent(part: float) -> str:
    """Cut, not rounded, so that 100 % means all."""
    return f"{math.floor(1e4 * part) / 100:.2f} %"


def _shares_conclusion(table: pd.DataFrame) -> str:
    """With which softmax it is most often the softmax that adds most to an error of attention."""
    told = []
    for dtype in in_order(table["dtype"]):
        own = table[(table["dtype"] == dtype) & (table["implementation"] != REFERENCE)]
        leads = own.set_index("implementation")["softmax_leads"].sort_values()
        if len(leads) == 0:
            continue
        text = f"{dtype}: with {leads.index[-1]} in {whole(leads.iloc[-1])} of "
        text += whole(own["results"].max())
        if leads.iloc[0] < leads.iloc[-1]:
            fewest = whole(leads.iloc[0])
            text += f" results, the most, and with {leads.index[0]} in {fewest}, the fewest"
        told.append(text)
    step = "the softmax adds the largest part of the error, or loses the result"
    return (
        "An error of attention is the sum of what the product q K′ / √d, the softmax and the "
        f"product with V add. On {FAMILY} with {LENGTH} keys {step}: {'; '.join(told)}."
        if told
        else "Only the exact reference was measured."
    )


def _shares(table: pd.DataFrame) -> Table:
    return Table(
        f"Largest |y − z| of attention on {FAMILY} with {LENGTH} keys, and the largest share of "
        "each step. “Softmax most” counts the results in which its share is the largest, or that "
        "are lost. A lost result is not a number",
        (
            "softmax",
            "dtype",
            "error",
            "scores",
            "softmax’s",
            "last product",
            "softmax most",
            "lost",
        ),
        [
            (
                row["implementation"],
                dtype,
                sampled_maximum(row["error"]),
                digits(row["scores"]),
                digits(row["softmax"]),
                digits(row["product"]),
                count(int(row["softmax_leads"]), int(row["results"])),
                whole(row["lost"]),
            )
            for dtype in in_order(table["dtype"])
            for _, row in table[table["dtype"] == dtype].sort_values("implementation").iterrows()
        ],
        numeric_from=2,
    )
