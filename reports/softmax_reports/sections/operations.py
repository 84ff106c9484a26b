"""Operations that use softmax (its logarithm, losses, gradients, attention): how wrong each is."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pandas as pd
from softmax_harness.judgement.outcomes import FAULTS, OUTCOMES, Outcome
from softmax_harness.operations import DEFAULT_OPERATION, OPERATIONS
from softmax_harness.run.experiments.attention_shares import FAMILY, LENGTH

from softmax_reports.facts import REFERENCE, full_scope
from softmax_reports.numbers import count, digits, in_order, sampled_maximum
from softmax_reports.section import Paragraph, Section, Table
from softmax_reports.times import time_parts

if TYPE_CHECKING:
    from softmax_harness.run.results import Run

_GOOD = [each for each in OUTCOMES if each.is_good]
_RIGHT = "A result is right if it is as good as the standard of its implementation asks."
_LOST = [each for each in FAULTS if each is not Outcome.INACCURATE]


def operations(run: Run) -> Section | None:
    """A table for each operation other than softmax, then which step causes errors of attention."""
    names = [name for name in OPERATIONS if name in set(run.results["operation"])]
    others = [name for name in names if name != DEFAULT_OPERATION]
    if not others:
        return None
    parts: list[Paragraph | Table] = [Paragraph(text) for text in _conclusions(run.results, others)]
    parts += [part for name in others for part in _of_operation(run.of(name), name)]
    if (table := run.tables.get("attention_shares")) is not None:
        parts += [Paragraph(_shares_conclusion(table)), _shares(table)]
    return Section("Operations that use softmax", parts)


def _of_operation(run: Run, name: str) -> list[Paragraph | Table]:
    """How wrong it is, and beside that how fast where it was timed."""
    timings = run.tables.get("timings", pd.DataFrame())
    return [_table(run.results, name), *(time_parts(timings, name) if len(timings) else [])]


def _cells(results: pd.DataFrame) -> pd.DataFrame:
    grouped = results.groupby(["operation", "implementation", "dtype"])
    counts = grouped[["elements", *_GOOD, "inaccurate", *_LOST]].sum()
    maxima = grouped[["max_ulp", "p99_ulp", "max_vs_input_rounding"]].max()
    sums = pd.DataFrame({"good": counts[_GOOD].sum(axis=1), "lost": counts[_LOST].sum(axis=1)})
    return pd.concat([counts[["elements", "inaccurate"]], sums, maxima], axis=1).reset_index()


def _conclusions(results: pd.DataFrame, names: list[str]) -> list[str]:
    """What is meant by right, then a sentence or two for each operation."""
    tried = results[results["implementation"] != REFERENCE]
    measured = [name for name in names if name in set(tried["operation"])]
    told = [_of_one(tried[tried["operation"] == name], name) for name in measured]
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


def _table(results: pd.DataFrame, name: str) -> Table:
    cells = _cells(results)
    return Table(
        f"{name}: {OPERATIONS[name].summary}. A lost result became infinite, NaN or 0, left the "
        "range, or is a wrong special value. The last column is the largest error divided by the "
        "change that rounding the inputs by half an ulp may cause",
        (
            "dtype",
            "implementation",
            "results",
            "inaccurate",
            "lost",
            "largest ulp error",
            "99 % below",
            "÷ input rounding",
        ),
        [
            (
                dtype,
                row["implementation"],
                str(row["elements"]),
                count(int(row["inaccurate"]), int(row["elements"])),
                count(int(row["lost"]), int(row["elements"])),
                sampled_maximum(row["max_ulp"]),
                digits(row["p99_ulp"]),
                sampled_maximum(row["max_vs_input_rounding"]),
            )
            for dtype in in_order(cells["dtype"])
            for _, row in cells[cells["dtype"] == dtype].iterrows()
        ],
        numeric_from=2,
    )


def _shares_conclusion(table: pd.DataFrame) -> str:
    """With which softmax it is most often the softmax that adds most to an error of attention."""
    told = []
    for dtype in in_order(table["dtype"]):
        own = table[(table["dtype"] == dtype) & (table["implementation"] != REFERENCE)]
        leads = own.set_index("implementation")["softmax_leads"].sort_values()
        if len(leads) == 0:
            continue
        text = f"{dtype}: with {leads.index[-1]} in {leads.iloc[-1]} of {own['results'].max()}"
        if leads.iloc[0] < leads.iloc[-1]:
            text += f" results, the most, and with {leads.index[0]} in {leads.iloc[0]}, the fewest"
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
            "dtype",
            "softmax",
            "error",
            "scores",
            "softmax’s",
            "last product",
            "softmax most",
            "lost",
        ),
        [
            (
                dtype,
                row["implementation"],
                sampled_maximum(row["error"]),
                digits(row["scores"]),
                digits(row["softmax"]),
                digits(row["product"]),
                count(int(row["softmax_leads"]), int(row["results"])),
                str(row["lost"]),
            )
            for dtype in in_order(table["dtype"])
            for _, row in table[table["dtype"] == dtype].sort_values("implementation").iterrows()
        ],
        numeric_from=2,
    )
