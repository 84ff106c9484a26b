"""softmax-harness report: write the report of a run again."""

from __future__ import annotations

from pathlib import Path

import click
from softmax_reports.drawing import KINDS
from softmax_reports.page import write_report

from softmax_harness.cli import options
from softmax_harness.ground.errors import BadFolder, unknown
from softmax_harness.ground.files import replacing, replacing_file
from softmax_harness.ground.manifest import MANIFEST, kind_of
from softmax_harness.run.results import copy, read
from softmax_harness.timing import read_history

_HISTORY = "history.html"


def _kinds(
    context: click.Context, parameter: click.Parameter, value: tuple[str, ...]
) -> tuple[str, ...]:
    kinds = options.names(context, parameter, value)
    for kind in kinds:
        if kind not in KINDS:
            raise unknown("format of figures", kind, KINDS)
    return tuple(dict.fromkeys(("svg", *kinds)))


def _write_history(folder: Path, asv: Path) -> None:
    from softmax_reports.history import TITLE, Moment, history_html

    found = sorted(each.parent for each in folder.glob(f"*/{MANIFEST}"))
    runs = [each for each in found if kind_of(each) == "run"]
    if not runs:
        raise BadFolder(
            f"{folder}: no run there; expected a folder that holds folders written by "
            "softmax-harness run --out"
        )
    path = folder / _HISTORY
    if path.exists() and TITLE not in path.read_text(encoding="utf-8", errors="replace"):
        raise BadFolder(f"{path}: this is no history; move it away, or take another folder")
    moments = [Moment(each.name, read(each)) for each in runs]
    replacing_file(path, history_html(moments, read_history(asv) if asv.is_dir() else None))
    click.echo(f"wrote {path}")


@click.command("report")
@click.argument("folder", type=options.PATH, metavar="DIR")
@click.option(
    "--figures",
    multiple=True,
    callback=_kinds,
    default=("svg",),
    show_default=True,
    metavar="KIND,...",
    help="The formats of the files in figures/: svg, pdf, png. The page needs svg, which is "
    "always there.",
)
@click.option(
    "--history",
    is_flag=True,
    help="DIR holds the folders of runs: write DIR/history.html, how accuracy and speed went.",
)
@click.option(
    "--asv",
    type=options.PATH,
    default=".asv/results",
    show_default=True,
    help="asv's results, if they exist, whose times the history has too.",
)
def command(folder: Path, figures: tuple[str, ...], history: bool, asv: Path) -> None:
    """Write the report of the run in DIR again.

    Example: softmax-harness report softmax-report --figures pdf,svg,png

    Of many runs: softmax-harness report --history runs
    """
    if history:
        _write_history(folder, asv)
        return
    run = read(folder)
    with replacing(folder) as fresh:
        copy(folder, fresh)
        write_report(run, fresh, figures)
    click.echo(f"wrote {folder / 'report.html'}")
