"""softmax-harness report: write the report of a run again."""

from __future__ import annotations

from pathlib import Path

import click
from softmax_reports.drawing import KINDS
from softmax_reports.page import write_report

from softmax_harness.cli import options
from softmax_harness.ground.errors import unknown
from softmax_harness.ground.files import replacing
from softmax_harness.run.results import copy, read


def _kinds(context: click.Context, parameter: click.Parameter, value: str) -> tuple[str, ...]:
    kinds = options.names(context, parameter, value)
    for kind in kinds:
        if kind not in KINDS:
            raise unknown("format of figures", kind, KINDS)
    return tuple(dict.fromkeys(("svg", *kinds)))


@click.command("report")
@click.argument("folder", type=options.PATH, metavar="DIR")
@click.option(
    "--figures",
    callback=_kinds,
    default="svg",
    show_default=True,
    metavar="KIND,...",
    help="The formats of the files in figures/: svg, pdf, png. The page needs svg, which is "
    "always there.",
)
def command(folder: Path, figures: tuple[str, ...]) -> None:
    """Write the report of the run in DIR again.

    Example: softmax-harness report softmax-report --figures pdf,svg,png
    """
    run = read(folder)
    with replacing(folder) as fresh:
        copy(folder, fresh)
        write_report(run, fresh, figures)
    click.echo(f"wrote {folder / 'report.html'}")
