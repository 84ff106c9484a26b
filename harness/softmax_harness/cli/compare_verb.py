"""softmax-harness compare: two runs, cell by cell."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import click

from softmax_harness.cli import options
from softmax_harness.cli.documents import DocumentFiles, document_files
from softmax_harness.ground.documents.as_json import json_text
from softmax_harness.ground.documents.plain import counted
from softmax_harness.ground.manifest import names_in
from softmax_harness.run.compare import CHANGES, Change, changes
from softmax_harness.run.results import read

_SHOWN = 20


@click.command("compare")
@click.argument("first", type=options.PATH, metavar="A")
@click.argument("second", type=options.PATH, metavar="B")
@document_files("json")
@click.pass_context
def command(context: click.Context, first: Path, second: Path, files: DocumentFiles) -> None:
    """Compare the runs in the folders A and B, cell by cell.

    A cell is worse if a fault of any kind is more frequent, or if a maximum or mean error is
    larger. The exit code is 1 if anything is worse in B.

    Example: softmax-harness compare before after
    """
    files.check(run / name for run in (first, second) for name in names_in(run))
    found = changes(read(first), read(second))
    changed = Counter(each.change for each in found)
    counts = {name: changed[name] for name in CHANGES}
    changed_cells = [vars(each) for each in found]
    files.write(json=lambda: json_text({"schema": 1, "counts": counts, "changes": changed_cells}))
    for name in CHANGES:
        own = [each for each in found if each.change == name]
        for each in own[:_SHOWN]:
            click.echo(_line(each))
        if len(own) > _SHOWN:
            click.echo(f"{name:6} in {len(own) - _SHOWN} more places")
    click.echo(counted(counts))
    context.exit(1 if counts["worse"] else 0)


def _line(change: Change) -> str:
    _, implementation, dtype, family, n = change.cell
    cell = f"{implementation} {dtype} {family} n={n}"
    if not change.what:
        return f"{change.change:6} {cell}"
    numbers = f"{change.what} {change.before:.6g} -> {change.now:.6g}"
    witness = f"  {change.witness}" if change.change == "worse" and change.witness else ""
    return f"{change.change:6} {cell}: {numbers}{witness}"
