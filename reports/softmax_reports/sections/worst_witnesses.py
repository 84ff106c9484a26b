"""The worst errors, each with the command that shows it again, step by step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from softmax_harness.judgement.outcomes import BROKEN

from softmax_reports.facts import worst_cells
from softmax_reports.numbers import in_order, sampled_maximum
from softmax_reports.section import Paragraph, Section, Table

if TYPE_CHECKING:
    from softmax_harness.run.results import Run


def worst_witnesses(run: Run) -> Section:
    """A table for each dtype."""
    cells = worst_cells(run)
    return Section(
        "The worst witnesses",
        [
            Paragraph(
                "Each command makes the same input again, bit for bit, and shows what every step "
                "of "
                "every implementation added to the error there. Lost elements have no error in ulp "
                "and are counted in the first section."
            ),
            *(
                Table(
                    f"Largest errors in {dtype}",
                    ("implementation", "family", "n", "error (ulp)", "replay"),
                    [
                        (
                            row["implementation"],
                            row["family"],
                            str(row["n"]),
                            sampled_maximum(row["max_ulp"]),
                            f"softmax-harness explain '{row['witness']}'",
                        )
                        for _, row in cells[cells["dtype"] == dtype].iterrows()
                    ],
                    numeric_from=9,
                )
                for dtype in in_order(cells["dtype"])
            ),
            _lost(run),
        ],
    )


def _lost(run: Run) -> Table:
    """The family in which each implementation loses the largest part of the elements."""
    cells = run.results.assign(lost=run.results[list(BROKEN)].sum(axis=1))
    sums = cells.groupby(["dtype", "implementation", "family"], as_index=False)[
        [*BROKEN, "lost", "elements"]
    ].sum()
    sums = sums[sums["lost"] > 0].assign(part=lambda each: each["lost"] / each["elements"])
    worst = sums.sort_values("part", ascending=False).groupby(["dtype", "implementation"]).head(3)
    rows = [
        (
            row["dtype"],
            row["implementation"],
            row["family"],
            f"{100 * row['part']:.1f} %",
            ", ".join(f"{row[each]} {each.replace('_', ' ')}" for each in BROKEN if row[each] > 0),
        )
        for _, row in worst.sort_values(["dtype", "implementation", "part"]).iterrows()
    ]
    return Table(
        "Where most elements are lost, up to three families each",
        ("dtype", "implementation", "family", "lost", "how"),
        rows or [("–", "none loses any", "", "", "")],
        numeric_from=9,
    )
