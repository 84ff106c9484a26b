"""softmax-harness explain: the three steps of one row, and where each implementation erred."""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np

from softmax_harness.cli import options
from softmax_harness.explain.operation import RowResults, row_text
from softmax_harness.explain.row import Explained, literal, parsed_row
from softmax_harness.explain.text import explained_text
from softmax_harness.ground.errors import BadData
from softmax_harness.ground.files import check_files, replacing_file
from softmax_harness.ground.floating_point import check_floating_point_environment
from softmax_harness.ground.formats import format_named, format_of
from softmax_harness.ground.npy import read_npy
from softmax_harness.inputs import witness
from softmax_harness.inputs.families import Recipe
from softmax_harness.inputs.families.npy_file import npy_family
from softmax_harness.operations import OPERATIONS, Problem, operation_named
from softmax_harness.subjects.declaration import Said, problem_of
from softmax_harness.subjects.named import available, implementation_named, subject_named


@click.command(
    "explain",
    context_settings={"ignore_unknown_options": True},  # so that -1e4 is a number
)
@click.argument("what", nargs=-1, required=True, metavar="NUMBERS... | WITNESS | FILE")
@click.option("--row", type=click.IntRange(0), help="The row of FILE to explain.  [default: 0]")
@click.option("--dtype", help="Format of NUMBERS or FILE.  [default: float64, or the file's own]")
@click.option(
    "--implementation",
    "names",
    multiple=True,
    metavar="IMPL",
    help="Explain only this implementation.",
)
@click.option(
    "--operation", type=click.Choice(list(OPERATIONS)), default="softmax", show_default=True
)
@options.output_dtype
@click.option(
    "--figure", type=options.PATH, metavar="FILE", help="Draw a picture: .svg, .png or .pdf."
)
def command(
    what: tuple[str, ...],
    row: int | None,
    dtype: str | None,
    names: tuple[str, ...],
    operation: str,
    output_dtype: str | None,
    figure: Path | None,
) -> None:
    """Show the three steps of one row exactly, and how each implementation computes them.

    For operations other than softmax, only the exact results are shown. Some operations take
    operands besides logits, such as a class or a vector. These are made as a run makes them, and
    are shown too.

    WITNESS is the text that a report or results.csv gives for a number. The same input is made
    again, so the same result comes out, bit for bit.

    Example: softmax-harness explain 2.0 1.0 0.1
    """
    if figure is not None:
        _check_figure(figure, what)
    found = _witness(what, row, dtype, operation)
    said = Said(output_dtype)
    named = [implementation_named(name, operation, said) for name in names]
    named = named or available(operation)
    able = [each for each in named if found.format.name in each.dtypes and not each.unavailable]
    if not able:
        raise BadData(
            f"none of {', '.join(each.name for each in named)} takes {found.format.name}: "
            "see softmax-harness list"
        )
    subjects = [
        subject_named(each.name, problem_of(each, operation_named(operation), found.format))
        for each in able
    ]
    detail = RowResults.of(found)
    check_floating_point_environment()
    if operation == "softmax":
        explained = Explained.of(found)
        click.echo(explained_text(explained, subjects))
        steps = [] if explained.steps is None else [explained.steps.exponential]
    else:
        click.echo(row_text(detail, subjects))
        steps = []
    if figure is not None:
        from softmax_reports.explained import picture  # and matplotlib, only where it draws

        logits = found.block[found.row].astype(np.float64)
        places = range(len(logits))
        drawn = [("exp(x)", np.array([float(exp(each)) for each in places])) for exp in steps]
        drawn = [("logits", logits), *drawn, (operation, detail.exact)]
        results = {each.name: detail.results(each) for each in subjects}
        errors = {name: each[1] for name, each in results.items() if not isinstance(each, str)}
        replacing_file(figure, picture(figure.suffix[1:], drawn, errors))
        click.echo(f"wrote {figure}")


def _check_figure(path: Path, what: tuple[str, ...]) -> None:
    if path.suffix not in (".svg", ".png", ".pdf"):
        raise BadData(f"--figure {path}: expected a name that ends in .svg, .png or .pdf")
    check_files({"--figure": path}, [Path(word) for word in what if word.endswith(".npy")])


def _witness(
    what: tuple[str, ...], row: int | None, dtype: str | None, operation: str
) -> witness.Witness:
    single = what[0] if len(what) == 1 else ""
    if single.endswith(".npy") and not witness.is_witness(single):
        return _row_of_file(Path(single), row or 0, dtype, operation)
    if row is not None:
        raise BadData(f"--row {row} was given without a FILE: expected FILE.npy --row {row}")
    if witness.is_witness(single):
        if dtype is not None:
            raise BadData(f"--dtype {dtype} was given, but a witness names its own: leave it out")
        return witness.parse(single, operation)
    return literal(
        parsed_row(what), Problem.of(operation_named(operation), format_named(dtype or "float64"))
    )


def _row_of_file(path: Path, row: int, dtype: str | None, operation: str) -> witness.Witness:
    family = npy_family(path)
    format = format_named(dtype) if dtype else format_of(read_npy(path))
    rows, lengths = family.rows or 0, family.lengths or (0,)
    if row >= rows:
        raise BadData(f"{path}: there is no row {row}: it has {rows} rows, counted from 0")
    recipe = Recipe(family, format, lengths[0], rows, 0)
    start = row - row % recipe.rows_per_block
    problem = Problem.of(operation_named(operation), format)
    return witness.Witness(problem, recipe.block(start), row - start, None)
