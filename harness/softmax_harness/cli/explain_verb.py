"""softmax-harness explain: the exact steps of one row, and where each implementation erred."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

from softmax_harness.cli import options
from softmax_harness.explain.given import check_operands, logits_of, with_operands
from softmax_harness.explain.row import Explained, account, figured, literal, parsed_row
from softmax_harness.explain.text import explained_text
from softmax_harness.ground.errors import BadData
from softmax_harness.ground.files import check_files, replacing_file
from softmax_harness.ground.floating_point import check_floating_point_environment
from softmax_harness.ground.formats import format_named, format_of
from softmax_harness.ground.npy import read_npy
from softmax_harness.inputs import witness
from softmax_harness.inputs.families import Recipe
from softmax_harness.inputs.families.npy_file import npy_family
from softmax_harness.operations import (
    DEFAULT_OPERATION,
    OPERATIONS,
    Operation,
    Problem,
    operation_named,
)
from softmax_harness.subjects.declaration import Said, problem_of
from softmax_harness.subjects.named import available, implementation_named, subject_of
from softmax_harness.subjects.subject import Subject

_NAMES = sorted({each.name for about in OPERATIONS.values() for each in about.operands})


def _operand_options(function: Callable[..., None]) -> Callable[..., None]:
    """``--target 1`` for ``--operand target=1``, and so for each operand that there is."""
    for name in reversed(_NAMES):
        about = f"Operand {name}, as --operand {name}=TEXT."
        function = click.option(f"--{name}", metavar="TEXT|FILE.npy", help=about)(function)
    return function


@click.command(
    "explain",
    context_settings={"ignore_unknown_options": True},  # so that -1e4 is a number
)
@click.argument("what", nargs=-1, metavar="NUMBERS... | WITNESS | FILE")
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
    "--operation", type=click.Choice(list(OPERATIONS)), default=DEFAULT_OPERATION, show_default=True
)
@options.operands
@_operand_options
@options.said_of_calls
@click.option(
    "--figure", type=options.PATH, metavar="FILE", help="Draw a picture: .svg, .png or .pdf."
)
def command(
    what: tuple[str, ...],
    row: int | None,
    dtype: str | None,
    names: tuple[str, ...],
    operation: str,
    operands: dict[str, str],
    said: Said,
    figure: Path | None,
    **named: str | None,
) -> None:
    """Show the steps of one row exactly, and how each implementation computes them.

    Some operations take operands besides logits, such as a class or a vector: numbers between
    commas, rows of numbers between slashes, or a .npy file. Those that are not given are made as a
    run makes them. All are shown by name.

    WITNESS is the text that a report or results.csv gives for a number. The same input is made
    again, so the same result comes out, bit for bit.

    Example: softmax-harness explain 2.0 1.0 0.1

    Example: softmax-harness explain 2.0 1.0 0.1 --operation cross_entropy --target 1
    """
    operands = operands | {name: text for name, text in named.items() if text is not None}
    if figure is not None:
        _check_figure(figure, (*what, *operands.values()))
    found = _witness(what, row, dtype, operation_named(operation), operands)
    explained = Explained(found)
    accounts = [(each, account(each, explained)) for each in _subjects(found, names, said)]
    check_floating_point_environment()
    click.echo(explained_text(explained, accounts))
    if figure is not None:
        from softmax_reports.explained import picture  # and matplotlib, only where it draws

        errors = {each.name: account.ulp for each, account in accounts if account.y is not None}
        replacing_file(figure, picture(figure.suffix[1:], figured(explained), errors))
        click.echo(f"wrote {figure}")


def _subjects(found: witness.Witness, names: tuple[str, ...], said: Said) -> list[Subject]:
    """The implementations that are named, or all, as far as they take the format."""
    operation = found.problem.operation
    said.check_concerns(names)
    named = [implementation_named(name, operation.name, said) for name in names]
    named = named or available(operation.name)
    able = [each for each in named if found.format.name in each.dtypes and not each.unavailable]
    if not able:
        raise BadData(
            f"none of {', '.join(each.name for each in named)} takes {found.format.name}: "
            "see softmax-harness list"
        )
    return [subject_of(each, problem_of(each, operation, found.format)) for each in able]


def _check_figure(path: Path, what: tuple[str, ...]) -> None:
    if path.suffix not in (".svg", ".png", ".pdf"):
        raise BadData(f"--figure {path}: expected a name that ends in .svg, .png or .pdf")
    check_files({"--figure": path}, [Path(word) for word in what if word.endswith(".npy")])


def _witness(
    what: tuple[str, ...],
    row: int | None,
    dtype: str | None,
    operation: Operation,
    operands: dict[str, str],
) -> witness.Witness:
    check_operands(operands, operation)
    single = what[0] if len(what) == 1 else ""
    if single.endswith(".npy") and not witness.is_witness(single):
        return _row_of_file(Path(single), row or 0, dtype, operation, operands)
    if row is not None:
        raise BadData(f"--row {row} was given without a FILE: expected FILE.npy --row {row}")
    if witness.is_witness(single):
        if dtype is not None:
            raise BadData(f"--dtype {dtype} was given, but a witness names its own: leave it out")
        return with_operands(witness.parse(single, operation.name), operands, 1, 0)
    if not what and operation.takes_logits:
        raise BadData("nothing was given to explain: expected NUMBERS..., a WITNESS or a FILE")
    numbers = parsed_row(what) if what else logits_of(operands, operation)
    made = literal(numbers, Problem.of(operation, format_named(dtype or "float64")))
    return with_operands(made, operands, 1, 0)


def _row_of_file(
    path: Path, row: int, dtype: str | None, operation: Operation, operands: dict[str, str]
) -> witness.Witness:
    family = npy_family(path, dtype)
    format = format_named(dtype) if dtype else format_of(read_npy(path))
    rows, lengths = family.rows or 0, family.lengths or (0,)
    if row >= rows:
        raise BadData(f"{path}: there is no row {row}: it has {rows} rows, counted from 0")
    recipe = Recipe(family, format, lengths[0], rows, 0)
    start = row - row % recipe.rows_per_block
    problem = Problem.of(operation, format)
    block = recipe.block(start)
    found = witness.Witness(problem, block, row - start, None, (recipe, start))
    return with_operands(found, operands, rows, start)
