"""Operations that use softmax (its logarithm, losses, gradients, attention): how wrong each is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
from softmax_harness.judgement.outcomes import FAULTS, OUTCOMES, Outcome
from softmax_harness.operations import OPERATIONS

from softmax_reports.numbers import count, digits, in_order, sampled_maximum
from softmax_reports.section import Paragraph, Section, Table

if TYPE_CHECKING:
    from softmax_harness.run.results import Run

_GOOD = [each for each in OUTCOMES if each.is_good]
_LOST = [each for each in FAULTS if each is not Outcome.INACCURATE]


def operations(run: Run) -> Section | None:
    """A table for each operation other than softmax, then which step causes errors of attention."""
    names = [name for name in OPERATIONS if name in set(run.results["operation"])]
    others = [name for name in names if name != "softmax"]
    if not others:
        return None
    parts: list[Paragraph | Table] = [Paragraph(_conclusion(run.results, others))]
    parts += [_table(run.results[run.results["operation"] == name], name) for name in others]
    if (table := run.tables.get("attention_shares")) is not None:
        parts += [Paragraph(_shares_conclusion(table)), _shares(table)]
    return Section("What softmax is used in", parts)


def _cells(results: pd.DataFrame) -> pd.DataFrame:
    grouped = results.groupby(["operation", "implementation", "dtype"])
    counts = grouped[["elements", *_GOOD, "inaccurate", *_LOST]].sum()
    maxima = grouped[["max_ulp", "p99_ulp", "max_vs_input_rounding"]].max()
    sums = pd.DataFrame({"good": counts[_GOOD].sum(axis=1), "lost": counts[_LOST].sum(axis=1)})
    return pd.concat([counts[["elements", "inaccurate"]], sums, maxima], axis=1).reset_index()


def _conclusion(results: pd.DataFrame, names: list[str]) -> str:
    cells = _cells(results[results["implementation"] != "exact"])
    told = []
    for name in names:
        own = cells[cells["operation"] == name]
        if own.empty:
            continue
        shares = own.groupby("implementation")[["good", "elements"]].sum()
        share = (shares["good"] / shares["elements"]).sort_values()
        told.append(
            f"{name}: {share.index[-1]} is right in {100 * share.iloc[-1]:.2f} % of the results"
            + (f", {share.index[0]} in {100 * share.iloc[0]:.2f} %" if len(share) > 1 else "")
        )
    return (
        f"Right means within what a careful implementation in the dtype owes. {'; '.join(told)}. "
        "What is wrong is mostly lost near saturation, where 1 − s, log s or the rest of a sum is "
        "all "
        "that is left of the result."
    )


def _table(results: pd.DataFrame, name: str) -> Table:
    cells = _cells(results)
    return Table(
        f"{name}: {OPERATIONS[name].summary}. Lost: became infinite, NaN or 0, left the range, or "
        "is a "
        "wrong special value. The last column is the largest error divided by what half-ulp "
        "changes "
        "of the inputs would do.",
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
    told = [
        f"{dtype}: in {count(int(own['softmax_leads'].sum()), int(own['results'].sum()))} results"
        for dtype in in_order(table["dtype"])
        for own in [table[table["dtype"] == dtype]]
    ]
    return (
        "Whose fault an error of attention is: each is the sum of what the product q K′ / √d, the "
        f"softmax and the product with V added. The softmax added most, {'; '.join(told)}."
    )


def _shares(table: pd.DataFrame) -> Table:
    return Table(
        "Largest |y − z| of attention on normal logits of scale 10 with 64 keys, and the largest "
        "share of "
        "each step; lost: results that are no number.",
        ("dtype", "softmax", "error", "scores", "softmax’s", "last product", "lost"),
        [
            (
                dtype,
                row["implementation"],
                sampled_maximum(row["error"]),
                digits(row["scores"]),
                digits(row["softmax"]),
                digits(row["product"]),
                str(row["lost"]),
            )
            for dtype in in_order(table["dtype"])
            for _, row in table[table["dtype"] == dtype].sort_values("implementation").iterrows()
        ],
        numeric_from=2,
    )
