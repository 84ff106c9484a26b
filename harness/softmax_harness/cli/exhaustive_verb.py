"""softmax-harness exhaustive: judge every input of a small domain."""

from __future__ import annotations

from pathlib import Path

import click

from softmax_harness.cli import options
from softmax_harness.cli.completing import of_dtypes
from softmax_harness.cli.documents import DocumentFiles, document_files
from softmax_harness.cli.progress import shown_progress
from softmax_harness.cli.units import fresh, keeping, units
from softmax_harness.cli.workplace import jobs, scheduler, workplace
from softmax_harness.ground.kept import Kept
from softmax_harness.operations import DEFAULT_OPERATION, OPERATIONS
from softmax_harness.run.identity import identity
from softmax_harness.studies.exhaustive.domain import KINDS
from softmax_harness.studies.exhaustive.make import Asked, exhausted, tasks
from softmax_harness.studies.exhaustive.results import document, markdown, text
from softmax_harness.subjects.declaration import Said

_UNITS = "softmax-exhaustive.units"


@click.command("exhaustive")
@click.argument("implementations", nargs=-1, required=True, metavar="IMPL...")
@click.option(
    "--operation",
    type=click.Choice(list(OPERATIONS)),
    default=DEFAULT_OPERATION,
    show_default=True,
    help="The operation.",
)
@click.option(
    "--dtype",
    "dtypes",
    multiple=True,
    default=("float16",),
    show_default=True,
    callback=options.dtype_names,
    shell_complete=of_dtypes,
    help="Formats, separated by commas.",
)
@click.option(
    "--inputs",
    type=click.Choice(KINDS),
    help="All ordered pairs or triples of finite numbers, or all rows [0, d].  [default: pairs in "
    "formats of 16 bits and fewer, else differences]",
)
@click.option(
    "--axis",
    type=click.Choice(["-1", "0"]),
    default="-1",
    show_default=True,
    help="Call the implementation along this axis: 0 is faster with NumPy.",
)
@jobs
@scheduler
@units(_UNITS)
@fresh
@document_files("json", "markdown")
@options.said_of_functions
def command(
    implementations: tuple[str, ...],
    operation: str,
    dtypes: tuple[str, ...],
    inputs: str | None,
    axis: str,
    jobs: int,
    scheduler: str | None,
    folder: Path | None,
    fresh: bool,
    files: DocumentFiles,
    said: Said,
) -> None:
    """Judge implementations on all inputs of a small domain; its maxima are exact.

    Every row is computed by the implementation and judged against the truth, and mpmath confirms
    each maximum. What is finished is kept: the same command goes on after it was broken off.

    Example: softmax-harness exhaustive wide --dtype float8_e5m2
    """
    files.check()
    said.check_concerns(implementations)
    asked = Asked(implementations, dtypes, operation, inputs, int(axis), said)
    several = tasks(asked)
    kept, about = Kept(folder or Path(_UNITS)), identity(implementations, dtypes)
    with (
        shown_progress() as progress,
        workplace(jobs, scheduler, implementations, dtypes) as executor,
        keeping(executor, kept, about, fresh) as saving,
    ):
        found = exhausted(several, saving, progress)
    files.write(json=lambda: document(asked, found), markdown=lambda: markdown(found))
    for each in found:
        click.echo(text(each))
