"""A run brought to its folder, with its report."""

from __future__ import annotations

from pathlib import Path

import click

from softmax_harness.ground.files import replacing
from softmax_harness.run.results import Run, read, write


def write_run(run: Run, out: Path) -> None:
    """Write a run and its report into a folder, as a whole, and say so."""
    from softmax_reports.page import write_report  # and matplotlib, only once there is a run

    with replacing(out) as folder:
        write(run, folder)
        write_report(read(folder), folder)  # as report will, from what is on disk
    click.echo(f"wrote {out / 'report.html'}")
