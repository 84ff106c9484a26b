"""softmax-harness run: measure, and write the run with its report."""

from __future__ import annotations

from pathlib import Path

import click

from softmax_harness.cli import options
from softmax_harness.cli.progress import shown_progress
from softmax_harness.cli.suite_option import suite_option
from softmax_harness.cli.units import fresh, keeping, units
from softmax_harness.cli.workplace import jobs, scheduler, workplace
from softmax_harness.cli.written_run import write_run
from softmax_harness.ground.files import check_writable
from softmax_harness.ground.kept import Kept
from softmax_harness.operations import DEFAULT_OPERATION, OPERATIONS
from softmax_harness.run.identity import identity
from softmax_harness.run.make import make_run
from softmax_harness.run.options import Options
from softmax_harness.run.results import FILES
from softmax_harness.run.selection import select
from softmax_harness.subjects.declaration import Said
from softmax_harness.truth import TIERS


@click.command("run")
@options.implementations
@click.option(
    "--operation",
    type=click.Choice([*OPERATIONS, "all"]),
    default=DEFAULT_OPERATION,
    show_default=True,
    help="The operation to measure; all measures every operation.",
)
@options.dtypes
@options.families
@suite_option
@options.seed
@jobs
@scheduler
@units("OUT.units")
@fresh
@click.option(
    "--truth",
    type=click.Choice(TIERS),
    default="screened",
    show_default=True,
    help="mpmath: mpmath judges everything. screened: the screen judges; mpmath judges what the "
    "screen leaves open and every maximum.",
)
@click.option(
    "--time",
    is_flag=True,
    help="Time what is measured: each implementation in its own processes, all of an operation in "
    "turns, on rows of 10 to 100000.",
)
@click.option(
    "--asv",
    type=options.PATH,
    default=".asv/results",
    show_default=True,
    help="asv's results, if they exist: the report shows their history, and their timings if "
    "--time is not given.",
)
@options.said
@options.out("softmax-report")
def command(
    implementations: tuple[str, ...],
    operation: str,
    dtypes: tuple[str, ...],
    families: tuple[str, ...],
    suite: str,
    seed: int,
    jobs: int,
    scheduler: str | None,
    folder: Path | None,
    fresh: bool,
    truth: str,
    time: bool,
    asv: Path,
    said: Said,
    out: Path,
) -> None:
    """Measure implementations and write a run with its report.

    What is finished is kept until the run is written: the same command goes on after it was broken
    off.

    Example: softmax-harness run max-shifted --dtype float32 --out mine

    With times, one's own kernel beside ours: softmax-harness run max-shifted kernel.py:softmax
    --time
    """
    check_writable(out, writes=FILES)
    said.check_concerns(implementations)
    asked = Options(
        implementations, dtypes, families, operation, suite, seed, jobs, truth, said, time
    )
    selection = select(asked, asv if asv.is_dir() else None)
    for line in selection.left_out:
        click.echo(f"note: {line}", err=True)
    kept = Kept(folder or out.resolve().with_name(f"{out.resolve().name}.units"))
    files = [name for name in families if name.endswith(".npy")]
    about = identity(implementations, dtypes, files)
    with (
        shown_progress() as progress,
        workplace(jobs, scheduler, implementations, dtypes) as executor,
        keeping(executor, kept, about, fresh) as saving,
    ):
        run = make_run(selection, saving, progress)
    write_run(run, out)
    for whose, faults in run.info["faults"].items():
        others = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
        click.echo(f"note: calls of {whose}: {faults[0]}{others}", err=True)
    kept.forget()
