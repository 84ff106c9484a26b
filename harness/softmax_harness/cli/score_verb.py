"""softmax-harness score: judge outputs that were computed elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from softmax_harness.cli import options
from softmax_harness.cli.completing import of_dtypes
from softmax_harness.cli.documents import DocumentFiles, document_files
from softmax_harness.cli.progress import shown_progress
from softmax_harness.ground.documents.as_json import json_text
from softmax_harness.ground.errors import BadData
from softmax_harness.judgement.limits import check_measured, parsed_number
from softmax_harness.judgement.outcomes import OUTCOMES
from softmax_harness.operations import (
    DEFAULT_OPERATION,
    OPERATIONS,
    Policy,
    operation_named,
)
from softmax_harness.score import Files, held_to, read_pair, score, score_document
from softmax_harness.score.text import score_text

_OF_PAIRS = ("operation", "operands", "axis", "shape", "x_dtype")
_OF_SETS = ("name", "out", "baseline", "update_baseline", "junit", "markdown", "without")


def _shape(
    context: click.Context, parameter: click.Parameter, value: str | None
) -> tuple[int, ...] | None:
    """What is written between the commas, as a shape."""
    if value is None:
        return None
    words = [word.strip() for word in value.split(",") if word.strip()]
    if not words or not all(word.isascii() and word.isdigit() for word in words):
        raise BadData(f"--shape {value}: expected whole numbers between commas, such as 4,100")
    return tuple(map(int, words))


@click.command("score")
@click.argument("x_path", type=options.PATH, metavar="X|DIR")
@click.argument("y_path", type=options.PATH, metavar="Y|OUTDIR")
@click.option(
    "--operation", type=click.Choice(list(OPERATIONS)), default=DEFAULT_OPERATION, show_default=True
)
@options.operands("NAME=FILE", "target=classes.npy")
@click.option("--axis", type=int, default=-1, show_default=True, help="Axis of the operation.")
@click.option(
    "--shape", callback=_shape, metavar="N,N", help="Shape of X, which a raw file does not say."
)
@click.option(
    "--x-dtype",
    metavar="DTYPE",
    callback=options.own_dtype,
    shell_complete=of_dtypes,
    help="Format of X and its operands, where it is a raw file, or bits saved as integers or raw "
    "bytes.  [default: its dtype]",
)
@click.option(
    "--y-dtype",
    metavar="DTYPE",
    callback=options.own_dtype,
    shell_complete=of_dtypes,
    help="Format of Y, where its dtype is wider, or bits saved as integers.  [default: its dtype; "
    "that of X where Y is a raw file or comes back for a folder]",
)
@click.option(
    "--limit",
    "limits",
    multiple=True,
    metavar="METRIC=NUMBER",
    help="What a metric must not exceed, such as max_ulp=2; else the exit code is 1.",
)
@click.option("--name", help="Of a folder: the name of what is judged.  [default: OUTDIR's]")
@click.option(
    "--out",
    type=options.PATH,
    metavar="DIR",
    help="Of a folder: write results.csv and the report, as run does.",
)
@click.option(
    "--baseline",
    type=options.PATH,
    metavar="FILE",
    help="Of a folder: fail where a result is worse than in this file.",
)
@click.option(
    "--update-baseline", is_flag=True, help="Of a folder: accept these results as the new baseline."
)
@click.option(
    "--without",
    multiple=True,
    type=click.Choice(["subnormals"]),
    help="Of a folder: where subnormal numbers count as 0, do not fail what is wrong for that.",
)
@document_files("json", "junit", "markdown")
@options.policy
@options.standard
@click.pass_context
def command(
    context: click.Context,
    x_path: Path,
    y_path: Path,
    operation: str,
    operands: dict[str, str],
    axis: int,
    shape: tuple[int, ...] | None,
    x_dtype: str | None,
    y_dtype: str | None,
    limits: tuple[str, ...],
    name: str | None,
    out: Path | None,
    baseline: Path | None,
    update_baseline: bool,
    without: tuple[str, ...],
    files: DocumentFiles,
    policy: Policy,
    standard: str | None,
) -> None:
    """Judge outputs Y computed elsewhere against the exact results of inputs X.

    A file is .npy; or .safetensors, of which X.safetensors:NAME is one array; or raw numbers,
    little-endian, of which --shape and --x-dtype say what they are. X is the first argument of a
    call, for attention q; --operand gives the others by name. X is taken exactly, in the format of
    its own dtype, Y is judged in the format of its dtype. A format that a file cannot name, such as
    bfloat16 or float8 in .npy, may be saved as unsigned integers, or as NumPy saves it; of those
    --x-dtype and --y-dtype say which it is.

    DIR is a folder that softmax-harness inputs wrote, OUTDIR holds the outputs under the same
    names, whatever their ending. All that has come back is judged, with one verdict at the end.

    The exit code is 1 if a limit is broken, or the standard that --standard names. Of a folder it
    is 1, too, if the standard that it is held to is broken, or outputs are missing.

    Example: softmax-harness score X.npy Y.npy --axis 1 --json score.json

    Example: softmax-harness score DIR OUTDIR --limit max_ulp=4 --out report
    """
    _check_options(context, files, is_set=x_path.is_dir())
    if x_path.is_dir():
        from softmax_harness.cli.score_set import SetOptions, score_set
        from softmax_harness.subjects.declaration import Said

        said = Said(y_dtype, standard)
        given = SetOptions(name, said, policy, limits, out, baseline, update_baseline, without)
        context.exit(score_set(x_path, y_path, given, files))
    beside = {name: Path(path) for name, path in operands.items()}
    pair = Files(x_path, y_path, axis, operation, beside, y_dtype, x_dtype, shape)
    context.exit(_score_pair(pair, limits, policy, standard, files))


def _check_options(context: click.Context, files: DocumentFiles, is_set: bool) -> None:
    """Refuse what the manifest of a folder says, or what is of folders only."""
    source = click.core.ParameterSource.COMMANDLINE
    given = {name for name in context.params if context.get_parameter_source(name) == source}
    for name in _OF_PAIRS if is_set else _OF_SETS:
        if name in given or name in files.paths:
            option = "--operand" if name == "operands" else f"--{name.replace('_', '-')}"
            what = "a folder, which says it itself" if is_set else "files, and is of folders only"
            raise BadData(f"{option} was given with {what}: leave it out")


def _score_pair(
    given: Files,
    limits: tuple[str, ...],
    policy: Policy,
    standard: str | None,
    files: DocumentFiles,
) -> int:
    """Judge a pair, write what was asked for, tell what was found; the exit code."""
    numbers = [parsed_number(text, "--limit") for text in limits]
    files.check(given.read)
    check_measured((metric for metric, _ in numbers), operation_named(given.operation))
    pair = read_pair(given)
    with shown_progress() as progress:
        scored = score(pair, policy, lambda done: progress("judging", done, pair.y.size), standard)
    held = [held_to(scored, *each) for each in numbers]
    document = score_document(scored, held)
    files.write(json=lambda: json_text(document))
    click.echo(score_text(document, held))
    missed = _missed(document) if standard else 0
    if standard:
        click.echo(f"standard: {missed:,} of {document['elements']:,} elements miss {standard}")
    return 0 if not missed and all(each.holds for each in held) else 1


def _missed(document: dict[str, Any]) -> int:
    """How many elements are not accurate by the standard, or lost."""
    return sum(document[each] for each in OUTCOMES if not each.is_good)
