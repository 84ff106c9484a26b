"""softmax-harness compare: two runs, cell by cell."""

from __future__ import annotations

from collections import Counter

import click

from softmax_harness.cli.documents import DocumentFiles, document_files
from softmax_harness.ground.documents.as_json import json_text
from softmax_harness.ground.documents.plain import counted
from softmax_harness.ground.manifest import names_in
from softmax_harness.run.compare import (
    CHANGES,
    Change,
    Compared,
    Side,
    changes,
    one_against_another,
)
from softmax_harness.run.results import read

_SHOWN = 20


@click.command("compare")
@click.argument("first", metavar="A[:IMPL]")
@click.argument("second", metavar="B[:IMPL]")
@document_files("json", "html")
@click.pass_context
def command(context: click.Context, first: str, second: str, files: DocumentFiles) -> None:
    """Compare the runs in the folders A and B, cell by cell.

    A cell is worse if a fault of any kind is more frequent, or if a maximum or mean error is
    larger. The exit code is 1 if anything is worse in B, 2 if A and B have no cell in common.

    Example: softmax-harness compare before after --html changes.html

    One implementation against another: softmax-harness compare A:max-shifted B:mine
    """
    sides = Side.of(first), Side.of(second)
    files.check(side.folder / name for side in sides for name in names_in(side.folder))
    before, now = (read(side.folder) for side in sides)
    if any(side.name for side in sides):
        before, now = one_against_another(before, now, (sides[0].name, sides[1].name))
    found = changes(before, now)
    changed = Counter(each.change for each in found)
    counts = {name: changed[name] for name in CHANGES}
    changed_cells = [vars(each) for each in found]
    files.write(
        json=lambda: json_text({"schema": 1, "counts": counts, "changes": changed_cells}),
        html=lambda: _page(Compared((first, second), before, now, found, sides[1].name)),
    )
    for name in CHANGES:
        own = [each for each in found if each.change == name]
        for each in own[:_SHOWN]:
            click.echo(_line(each))
        if len(own) > _SHOWN:
            click.echo(f"{name:6} in {len(own) - _SHOWN} more places")
    click.echo(counted(counts))
    context.exit(1 if counts["worse"] else 0)


def _page(compared: Compared) -> str:
    from softmax_reports.comparing import comparison_html  # and matplotlib, only for a page

    return comparison_html(compared)


def _line(change: Change) -> str:
    _, implementation, dtype, family, n = change.cell
    cell = f"{implementation} {dtype} {family} n={n}"
    if not change.what:
        return f"{change.change:6} {cell}"
    numbers = f"{change.what} {change.before:.6g} -> {change.now:.6g}"
    witness = f"  {change.witness}" if change.change == "worse" and change.witness else ""
    return f"{change.change:6} {cell}: {numbers}{witness}"
