"""softmax-harness reproduce: published figures beside the same, measured here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import click

from softmax_harness.cli import options
from softmax_harness.ground.documents.as_json import json_text
from softmax_harness.ground.errors import BadData
from softmax_harness.studies.reproduce import PAPERS, Figure, Paper, paper_named


@click.command("reproduce")
@click.argument("name", metavar="PAPER", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@options.seed
@click.pass_context
def command(context: click.Context, name: str | None, as_json: bool, seed: int) -> None:
    """Measure the figures of a PAPER again, and print them beside the published ones.

    The exit code is 1 if one of them is not reproduced.

    Example: softmax-harness reproduce flash-attention-2694
    """
    if name is None:
        known = ", ".join(PAPERS)
        raise BadData(f"no paper was given to reproduce: expected one of {known}")
    paper = paper_named(name)
    figures = paper.measured(seed)
    document = _document(paper, figures, seed)
    click.echo(
        json_text(document) if as_json else "\n".join([*_lines(paper, figures), ""]), nl=False
    )
    context.exit(0 if document["reproduced"] else 1)


def _document(paper: Paper, figures: Sequence[Figure], seed: int) -> dict[str, Any]:
    return {
        "schema": 1,
        "paper": paper.name,
        "title": paper.title,
        "address": paper.address,
        "measures": paper.measures,
        "within": paper.within,
        "seed": seed,
        "reproduced": all(map(paper.holds, figures)),
        "figures": [
            asdict(each) | {"difference": each.difference, "reproduced": paper.holds(each)}
            for each in figures
        ],
        "notes": list(paper.notes),
    }


def _lines(paper: Paper, figures: Sequence[Figure]) -> list[str]:
    width = max(len(each.setting) for each in figures)
    others = list(dict.fromkeys(name for each in figures for name in each.others))
    head = "".join(f"{name:>13}" for name in (*paper.columns, "difference", *others))
    lines = [f"{paper.title}, {paper.address}", paper.measures, f"{'':{width}}{head}"]
    for each in figures:
        cells = (_number(each.published), _number(each.found), _part(each.difference))
        rest = (_number(each.others.get(name)) for name in others)
        told = "" if paper.holds(each) else "  not reproduced"
        lines.append(f"{each.setting:{width}}{''.join(cells)}{''.join(rest)}{told}".rstrip())
    return [*lines, _sum(paper, figures), *(f"- {note}" for note in paper.notes)]


def _sum(paper: Paper, figures: Sequence[Figure]) -> str:
    """How many of the figures that stand beside a published one are reproduced."""
    beside = [each for each in figures if each.published is not None]
    held = sum(map(paper.holds, beside))
    if all(each.is_bound for each in beside):
        return f"{held} of {len(beside)} within the {paper.columns[0]}"
    return f"{held} of {len(beside)} within {paper.within:.2g} of the published number"


def _number(value: float | None) -> str:
    return f"{'' if value is None else f'{value:.4g}':>13}"


def _part(difference: float | None) -> str:
    return f"{'' if difference is None else f'{difference:+.1%}':>13}"
