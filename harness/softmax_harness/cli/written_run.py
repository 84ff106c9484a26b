"""A run brought to its folder, with its report."""

from __future__ import annotations

from pathlib import Path

import click

from softmax_harness.run.results import Run


def write_run(run: Run, out: Path) -> None:
    """Write a run and its report into a folder, as a whole, and say so."""
    from softmax_reports import run_folder  # and matplotlib, only once there is a run

    run_folder.write_run(run, out)
    click.echo(f"wrote {out / 'report.html'}")
