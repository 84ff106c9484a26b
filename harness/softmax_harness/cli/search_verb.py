"""softmax-harness search: hunt the worst input."""

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
from softmax_harness.studies.search.make import Asked, problem_asked, searched
from softmax_harness.studies.search.results import document, text
from softmax_harness.subjects.declaration import Said

_UNITS = "softmax-search.units"


@click.command("search")
@click.argument("implementation", metavar="IMPL")
@click.option(
    "--operation",
    type=click.Choice(list(OPERATIONS)),
    default=DEFAULT_OPERATION,
    show_default=True,
    help="The operation.",
)
@click.option(
    "--dtype",
    default=Asked.dtype,
    show_default=True,
    callback=options.own_dtype,
    shell_complete=of_dtypes,
    help="The format.",
)
@click.option(
    "--n",
    type=click.IntRange(1, 1 << 16),
    default=Asked.n,
    show_default=True,
    help="The longest row.",
)
@click.option(
    "--evaluations",
    type=click.IntRange(1),
    default=Asked.evaluations,
    show_default=True,
    help="Rows that may be judged.",
)
@click.option(
    "--seconds",
    type=click.FloatRange(0, min_open=True),
    help="Go on with as many rows again until this time has passed; how many they are then "
    "depends on the machine.",
)
@options.seed
@jobs
@scheduler
@units(_UNITS)
@fresh
@document_files("json")
@options.said_of_functions
def command(
    implementation: str,
    operation: str,
    dtype: str,
    n: int,
    evaluations: int,
    seconds: float | None,
    seed: int,
    jobs: int,
    scheduler: str | None,
    folder: Path | None,
    fresh: bool,
    files: DocumentFiles,
    said: Said,
) -> None:
    """Hunt the input on which an implementation errs most, and print the smallest like it.

    A search begins with rows of the families and steps from the worst of them to worse ones. The
    same seed finds the same rows. What it finds is a lower bound; exhaustive gives the maximum of a
    small domain.

    Example: softmax-harness search max-shifted --dtype float32 --n 4
    """
    files.check()
    said.check_concerns((implementation,))
    asked = Asked(implementation, dtype, operation, n, evaluations, seconds, seed, said)
    problem_asked(asked)
    kept, about = Kept(folder or Path(_UNITS)), identity((implementation,), (dtype,))
    with (
        shown_progress() as progress,
        workplace(jobs, scheduler, (implementation,), (dtype,)) as executor,
        keeping(executor, kept, about, fresh) as saving,
    ):
        found = searched(asked, saving, progress)
    files.write(json=lambda: document(found))
    click.echo(text(found))
