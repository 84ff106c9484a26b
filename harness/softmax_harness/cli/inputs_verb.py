"""softmax-harness inputs: a suite's inputs as files, for devices this process cannot call."""

from __future__ import annotations

from pathlib import Path

import click

from softmax_harness.cli import options
from softmax_harness.cli.progress import shown_progress
from softmax_harness.ground.arrays import KINDS
from softmax_harness.ground.files import replacing
from softmax_harness.ground.floating_point import check_floating_point_environment
from softmax_harness.ground.manifest import MANIFEST
from softmax_harness.operations import DEFAULT_OPERATION, OPERATIONS, operation_named
from softmax_harness.score.sets.writing import SUITE_NAMES, file_names, suite_of, write_set


@click.command("inputs")
@click.option(
    "--operation", type=click.Choice(list(OPERATIONS)), default=DEFAULT_OPERATION, show_default=True
)
@options.dtypes
@options.families
@click.option(
    "--suite",
    type=click.Choice(SUITE_NAMES),
    default="quick",
    show_default=True,
    help="Which inputs: those of a run of that suite, or those of check.",
)
@click.option(
    "--format",
    "kind",
    type=click.Choice(list(KINDS)),
    default="npy",
    show_default=True,
    help="Kind of file. raw holds numbers alone, little-endian.",
)
@options.seed
@options.out("softmax-inputs")
def command(
    operation: str,
    dtypes: tuple[str, ...],
    families: tuple[str, ...],
    suite: str,
    kind: str,
    seed: int,
    out: Path,
) -> None:
    """Write a suite's inputs, a file for each dtype, family and n, and for each argument of a call.

    run.json says what each file is. index.txt has a line for each: its name, its dtype, its shape.
    Compute the outputs elsewhere, write them into another folder under the same names, whatever
    their ending, then judge them with softmax-harness score DIR OUTDIR. Of a format of one byte a
    file of .npy holds the bits, as unsigned integers.

    Example: softmax-harness inputs --dtype float16 --format raw --out inputs
    """
    about = operation_named(operation)
    recipes = suite_of(suite, operation, dtypes, families, seed)
    given = {"suite": suite, "families": families, "seed": seed, "operation": operation}
    files = file_names(recipes, about, kind)
    read = [Path(name) for name in families if name.endswith(".npy")]
    with (
        shown_progress() as progress,
        replacing(out, "inputs", writes=(MANIFEST, *files), inputs=read) as folder,
    ):
        write_set(folder, recipes, about, given | {"format": kind}, progress)
        check_floating_point_environment()
    click.echo(f"wrote the inputs of {len(recipes)} calls to {out}")
