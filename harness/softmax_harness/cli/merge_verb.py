"""softmax-harness merge: partial runs as one run."""

from __future__ import annotations

from pathlib import Path

import click

from softmax_harness.cli import options
from softmax_harness.cli.written_run import write_run
from softmax_harness.ground.files import check_writable
from softmax_harness.run.merging import merged
from softmax_harness.run.results import FILES, read


@click.command("merge")
@click.argument("folders", type=options.PATH, metavar="RUN...", nargs=-1, required=True)
@options.out("softmax-report")
def command(folders: tuple[Path, ...], out: Path) -> None:
    """Merge runs of some implementations, formats or families into one, with its report.

    They may come from several machines. The seed, the suite and the version must be the same, and
    so must what more than one of them has measured.

    Example: softmax-harness merge from-one from-another --out whole
    """
    check_writable(out, writes=FILES)
    run, notes = merged([(str(folder), read(folder)) for folder in folders])
    for note in notes:
        click.echo(f"note: {note}", err=True)
    write_run(run, out)
