"""softmax-harness score: judge outputs that were computed elsewhere."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import click

import softmax_harness.cli.one_thread  # noqa: F401 - before NumPy
from softmax_harness.cli import options
from softmax_harness.cli.documents import DocumentFiles, document_files
from softmax_harness.cli.progress import shown_progress
from softmax_harness.ground.documents.as_json import json_text
from softmax_harness.ground.errors import BadData
from softmax_harness.ground.formats import format_named
from softmax_harness.judgement.limits import check_measured, parsed_number
from softmax_harness.judgement.outcomes import OUTCOMES
from softmax_harness.operations import (
    DEFAULT_OPERATION,
    OPERATIONS,
    Policy,
    operation_named,
)
from softmax_harness.score import Files, Score, held_to, read_pair, score, score_document
from softmax_harness.score.folder import pairs_in


@click.command("score")
@click.argument("x_path", type=options.PATH, metavar="X.npy|INDIR")
@click.argument("y_path", type=options.PATH, metavar="Y.npy|OUTDIR")
@click.option(
    "--operation", type=click.Choice(list(OPERATIONS)), default=DEFAULT_OPERATION, show_default=True
)
@options.operands
@click.option("--axis", type=int, default=-1, show_default=True, help="Axis of the operation.")
@click.option(
    "--x-dtype",
    metavar="DTYPE",
    help="Format of X and its operands, where they are bits saved as integers or raw bytes.",
)
@click.option(
    "--y-dtype",
    metavar="DTYPE",
    help="Format of Y, where its dtype is wider, or bits saved as integers.  [default: its dtype]",
)
@click.option(
    "--limit",
    "limits",
    multiple=True,
    metavar="METRIC=NUMBER",
    help="What a metric must not exceed, such as max_ulp=2; else the exit code is 1.",
)
@document_files("json")
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
    x_dtype: str | None,
    y_dtype: str | None,
    limits: tuple[str, ...],
    files: DocumentFiles,
    policy: Policy,
    standard: str | None,
) -> None:
    """Judge outputs Y computed elsewhere against the exact results of inputs X.

    X is the first argument of a call, for attention q; --operand gives the others by name. X is
    taken exactly, in the format of its own dtype, Y is judged in the format of its dtype. NumPy
    saves the bfloat16 of ml_dtypes as raw values of two bytes; these are read as bfloat16. Of its
    formats of one byte --x-dtype and --y-dtype say which it is.

    INDIR is a folder that softmax-harness inputs wrote, OUTDIR holds the outputs under the same
    names. The exit code is 1 if a limit is broken.

    Example: softmax-harness score X.npy Y.npy --axis 1 --json score.json

    Example: softmax-harness score X.npy Y.npy --operation cross_entropy --operand target=T.npy
    """
    x_format, y_format = _known(x_dtype), _known(y_dtype)
    numbers = [parsed_number(text, "--limit") for text in limits]
    beside = {name: Path(path) for name, path in operands.items()}
    if x_path.is_dir():
        _check_plain(operands, axis, operation, x_dtype)
        pairs = pairs_in(x_path, y_path)
    else:
        pairs = {"": Files(x_path, y_path, axis, operation, beside, y_format, x_format)}
    files.check([path for each in pairs.values() for path in each.read])
    judged: dict[str, tuple[Score, dict[str, Any]]] = {}
    for name, own in pairs.items():
        check_measured((metric for metric, _ in numbers), operation_named(own.operation))
        scored = _scored(replace(own, y_dtype=y_format or own.y_dtype), policy, standard)
        judged[name] = scored, score_document(scored, [held_to(scored, *each) for each in numbers])
    documents = {name: document for name, (_, document) in judged.items()}
    whole = {"schema": 1, "files": documents} if x_path.is_dir() else documents.get("", {})
    files.write(json=lambda: json_text(whole))
    for name, (scored, document) in judged.items():
        lines = _short_lines(name, document) if name else _lines(document)
        told = [f"limit: {held_to(scored, *each).told}" for each in numbers]
        click.echo("\n".join([*lines, *told]))
    holds = all(each["holds"] for document in documents.values() for each in document["limits"])
    context.exit(0 if holds else 1)


def _known(dtype: str | None) -> str | None:
    return None if dtype is None else format_named(dtype).name


def _check_plain(operands: dict[str, str], axis: int, operation: str, x_dtype: str | None) -> None:
    """Refuse what the manifest of a folder says."""
    chosen = operation != DEFAULT_OPERATION
    given = {"--operand": bool(operands), "--axis": axis != -1, "--operation": chosen}
    given["--x-dtype"] = x_dtype is not None
    for option, is_given in given.items():
        if is_given:
            raise BadData(f"{option} was given with a folder, which says it itself: leave it out")


def _scored(files: Files, policy: Policy, standard: str | None) -> Score:
    pair = read_pair(files)
    with shown_progress() as progress:
        return score(pair, policy, lambda done: progress("judging", done, pair.y.size), standard)


def _short_lines(name: str, document: dict[str, Any]) -> list[str]:
    faults = [
        f"{document[each]} {each}" for each in OUTCOMES if document[each] and not each.is_good
    ]
    found = ", ".join(faults) or "no faults"
    return [f"{name}: {document['elements']} elements, {document['max_ulp']:.6g} ulp, {found}"]


def _lines(document: dict[str, Any]) -> list[str]:
    lines = [
        f"{document['elements']} elements in {document['rows']} rows, {document['operation']}, "
        f"{document['dtype']}, held to {document['standard']}"
    ]
    lines += [
        f"  {name.replace('_', ' '):22} {document[name]:>10}" for name in OUTCOMES if document[name]
    ]
    if document["seeing_nothing"]:
        lines.append(f"rows that see nothing: held to {document['seeing_nothing']}")
    for name, unit in (
        ("max_ulp", "ulp"),
        ("mean_ulp", "ulp"),
        ("max_ulp_probable", "ulp where z >= 1/n"),
        ("sum_defect", ""),
        ("argmax_flips", "rows"),
        ("order_inversions", "pairs"),
    ):
        if name in document and (name in ("max_ulp", "mean_ulp") or _is_told(document[name])):
            value = document[name]
            lines.append(f"{name.replace('_', ' '):24} {value:>10.6g} {unit}".rstrip())
    if document["worst"]:
        lines.append(f"worst: {_element(document['worst'])}")
    lines += [
        f"first {name.replace('_', ' ')}: {_element(element)}"
        for name, element in document["firsts"].items()
    ]
    if document["worst"] and document["worst"]["explain"]:
        lines.append(f"its steps: {document['worst']['explain']}")
    return lines


def _is_told(value: Any) -> bool:
    """Whether a metric was measured: not every operation's results have each."""
    return bool(value == value)


def _element(element: dict[str, Any]) -> str:
    parts = [f"index {element['index']}"]
    if element["x"] is not None:
        parts.append(f"x = {float.fromhex(element['x'])!r}")
    parts += [f"{name} = {value}" for name, value in element["operands"].items()]
    parts += [f"y = {float.fromhex(element['y'])!r}", f"exactly {element['exact']}"]
    return ", ".join(parts)
