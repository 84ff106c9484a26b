"""softmax-harness compare: two runs, cell by cell."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import click

from softmax_harness.ground.files import check_file, replacing_file
from softmax_harness.run.compare import CHANGES, Change, changes
from softmax_harness.run.results import read

_SHOWN = 20
_FOLDER = click.Path(path_type=Path)


@click.command("compare")
@click.argument("first", type=_FOLDER, metavar="A")
@click.argument("second", type=_FOLDER, metavar="B")
@click.option("--json", "json_path", type=_FOLDER, metavar="FILE", help="Write the result as JSON.")
@click.pass_context
def command(context: click.Context, first: Path, second: Path, json_path: Path | None) -> None:
    """Compare the runs in the folders A and B, cell by cell.

    A cell is worse if a fault of any kind is more frequent, or if a maximum or mean error is
    larger. The exit code is 1 if anything is worse in B.

    Example: softmax-harness compare before after
    """
    if json_path is not None:
        check_file(json_path)
    found = changes(read(first), read(second))
    counts = Counter(each.change for each in found)
    if json_path is not None:
        document = {
            "schema": 1,
            "counts": {name: counts[name] for name in CHANGES},
            "changes": [vars(each) for each in found],
        }
        replacing_file(json_path, json.dumps(document, indent=1, allow_nan=False) + "\n")
    for name in CHANGES:
        own = [each for each in found if each.change == name]
        for each in own[:_SHOWN]:
            click.echo(_line(each))
        if len(own) > _SHOWN:
            click.echo(f"{name:6} in {len(own) - _SHOWN} more places")
    click.echo(", ".join(f"{counts[name]} {name}" for name in CHANGES))
    context.exit(1 if counts["worse"] else 0)


def _line(change: Change) -> str:
    _, implementation, dtype, family, n = change.cell
    cell = f"{implementation} {dtype} {family} n={n}"
    if not change.what:
        return f"{change.change:6} {cell}"
    numbers = f"{change.what} {change.before:.6g} -> {change.now:.6g}"
    witness = f"  {change.witness}" if change.change == "worse" and change.witness else ""
    return f"{change.change:6} {cell}: {numbers}{witness}"
