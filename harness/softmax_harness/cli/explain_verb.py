"""softmax-harness explain: the exact steps of one row, and where each implementation erred."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

from softmax_harness.cli import options
from softmax_harness.cli.completing import of_dtypes, of_implementations
from softmax_harness.explain.asked import subjects_of, witness_of
from softmax_harness.explain.row import Explained, account, figured
from softmax_harness.explain.text import explained_text
from softmax_harness.ground.errors import BadData
from softmax_harness.ground.files import check_files, replacing_file
from softmax_harness.ground.floating_point import check_floating_point_environment
from softmax_harness.operations import DEFAULT_OPERATION, OPERATIONS, Policy, operation_named
from softmax_harness.subjects.declaration import Said

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
@click.option(
    "--row",
    type=click.IntRange(0),
    help="The row of FILE, or of several queries, to explain.  [default: 0]",
)
@click.option(
    "--dtype",
    callback=options.own_dtype,
    shell_complete=of_dtypes,
    help="Format of NUMBERS or FILE.  [default: float64, or the file's own]",
)
@click.option(
    "--implementation",
    "names",
    multiple=True,
    metavar="IMPL",
    shell_complete=of_implementations,
    help="Explain only this implementation.",
)
@click.option(
    "--operation", type=click.Choice(list(OPERATIONS)), default=DEFAULT_OPERATION, show_default=True
)
@options.operands("NAME=TEXT|FILE.npy", "target=1")
@_operand_options
@options.said_of_calls
@options.policy
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
    policy: Policy,
    figure: Path | None,
    **named: str | None,
) -> None:
    """Show the steps of one row exactly, and how each implementation computes them.

    Some operations take operands besides logits, such as a class or a vector: numbers between
    commas, rows of numbers between slashes, or a .npy file. Those that are not given are made as a
    run makes them; a mask that a call may leave out then hides nothing. All are shown by name.

    WITNESS is the text that a report or results.csv gives for a number. The same input is made
    again, so the same result comes out, bit for bit.

    Example: softmax-harness explain 2.0 1.0 0.1

    Example: softmax-harness explain 2.0 1.0 0.1 --operation cross_entropy --target 1
    """
    own = {name: text for name, text in named.items() if text is not None}
    for name in own.keys() & operands.keys():
        raise BadData(f"{name} was given by --operand and by --{name}: expected it once")
    operands = operands | own
    if figure is not None:
        _check_figure(figure, (*what, *operands.values()))
    about = operation_named(operation, said.fit)
    explained = Explained(witness_of(what, row, dtype, about, operands, policy))
    subjects = subjects_of(explained.witness, names, said)
    accounts = [(each, account(each, explained)) for each in subjects]
    check_floating_point_environment()
    click.echo(explained_text(explained, accounts))
    if figure is not None:
        from softmax_reports.explained import picture  # and matplotlib, only where it draws

        errors = {each.name: account.ulp for each, account in accounts if account.y is not None}
        replacing_file(figure, picture(figure.suffix[1:], figured(explained), errors))
        click.echo(f"wrote {figure}")


def _check_figure(path: Path, what: tuple[str, ...]) -> None:
    if path.suffix not in (".svg", ".png", ".pdf"):
        raise BadData(f"--figure {path}: expected a name that ends in .svg, .png or .pdf")
    check_files({"--figure": path}, [Path(word) for word in what if word.endswith(".npy")])
