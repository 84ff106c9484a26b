"""softmax-harness score: judge outputs that were computed elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

import softmax_harness.cli.one_thread  # noqa: F401 - before NumPy
from softmax_harness.cli import options
from softmax_harness.cli.documents import DocumentFiles, document_files
from softmax_harness.cli.progress import shown_progress
from softmax_harness.ground.documents.as_json import json_text
from softmax_harness.judgement.outcomes import OUTCOMES
from softmax_harness.operations import Policy
from softmax_harness.score import read_pair, score, score_document


@click.command("score")
@click.argument("x_path", type=options.PATH, metavar="X.npy")
@click.argument("y_path", type=options.PATH, metavar="Y.npy")
@click.option("--axis", type=int, default=-1, show_default=True, help="Axis of the softmax.")
@document_files("json")
@options.policy
@options.standard
def command(
    x_path: Path,
    y_path: Path,
    axis: int,
    files: DocumentFiles,
    policy: Policy,
    standard: str | None,
) -> None:
    """Judge outputs Y computed elsewhere against the exact softmax of inputs X.

    Y is judged in the format of its dtype. X is taken exactly, in the format of its own dtype.
    NumPy saves the bfloat16 of ml_dtypes as raw values of two bytes; these are read as bfloat16.

    Example: softmax-harness score X.npy Y.npy --axis 1 --json score.json
    """
    files.check((x_path, y_path))
    pair = read_pair(x_path, y_path, axis)
    with shown_progress() as progress:
        scored = score(pair, policy, lambda done: progress("judging", done, pair.x.size), standard)
    document = score_document(scored)
    files.write(json=lambda: json_text(document))
    click.echo("\n".join(_lines(document)))


def _lines(document: dict[str, Any]) -> list[str]:
    lines = [
        f"{document['elements']} elements in {document['rows']} rows, {document['dtype']}, "
        f"held to {document['standard']}"
    ]
    lines += [
        f"  {name.replace('_', ' '):22} {document[name]:>10}" for name in OUTCOMES if document[name]
    ]
    for name, unit in (
        ("max_ulp", "ulp"),
        ("mean_ulp", "ulp"),
        ("max_ulp_probable", "ulp where z >= 1/n"),
        ("sum_defect", ""),
        ("argmax_flips", "rows"),
        ("order_inversions", "pairs"),
    ):
        value = document.get(name, "nan")
        shown = value if isinstance(value, str) else f"{value:.6g}"
        lines.append(f"{name.replace('_', ' '):24} {shown:>10} {unit}".rstrip())
    if document["worst"]:
        lines.append(f"worst: {_element(document['worst'])}")
    return lines + [
        f"first {name.replace('_', ' ')}: {_element(element)}"
        for name, element in document["firsts"].items()
    ]


def _element(element: dict[str, Any]) -> str:
    x, y = float.fromhex(element["x"]), float.fromhex(element["y"])
    return f"index {element['index']}, x = {x!r}, y = {y!r}, exactly {element['exact']}"
