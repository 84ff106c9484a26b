"""softmax-harness report: write the report of a run again."""

from __future__ import annotations

from pathlib import Path

import click
from softmax_reports.page import write_report

from softmax_harness.cli import options
from softmax_harness.ground.files import replacing
from softmax_harness.run.results import copy, read


@click.command("report")
@click.argument("folder", type=options.PATH, metavar="DIR")
def command(folder: Path) -> None:
    """Write the report of the run in DIR again.

    Example: softmax-harness report softmax-report
    """
    run = read(folder)
    with replacing(folder) as fresh:
        copy(folder, fresh)
        write_report(run, fresh)
    click.echo(f"wrote {folder / 'report.html'}")
