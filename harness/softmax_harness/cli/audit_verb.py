"""softmax-harness audit: which faulty softmaxes a tolerance lets pass."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import click

from softmax_harness.cli import options
from softmax_harness.cli.completing import of_dtypes
from softmax_harness.cli.documents import DocumentFiles, document_files
from softmax_harness.ground.documents.as_json import json_text
from softmax_harness.ground.errors import BadData, unknown
from softmax_harness.ground.formats import format_named
from softmax_harness.ground.guest import as_guest
from softmax_harness.inputs.families import FAMILIES, Recipe
from softmax_harness.operations import DEFAULT_OPERATION, OPERATIONS, operation_named
from softmax_harness.studies.audit.auditing import Audit, audit, tightest
from softmax_harness.studies.audit.judged import Asked
from softmax_harness.studies.audit.published import PUBLISHED, Published
from softmax_harness.studies.audit.rule import Rule, parse_rule
from softmax_harness.studies.audit.text import audit_document, audit_lines, published_lines

# Results of some hundred softmaxes are held at once: as many numbers fill a few GB.
_MOST = 4_000_000
_PLAIN = Published("", "", "", "float32", 16, 1000)


def _shape(
    context: click.Context, parameter: click.Parameter, value: str | None
) -> tuple[int, int] | None:
    """Rows and length, as ``ROWS,N``."""
    if value is None:
        return None
    found = re.fullmatch(r"\s*0*([1-9][0-9]{0,7})\s*,\s*0*([1-9][0-9]{0,7})\s*", value)
    if found is None or int(found[1]) * int(found[2]) > _MOST:
        raise BadData(
            f"--shape {value}: expected ROWS,N with numbers above 0, such as 16,1000, and at most "
            f"{_MOST} in all"
        )
    return int(found[1]), int(found[2])


@click.command("audit")
@click.argument("rule", required=False, metavar="[RULE]")
@click.option(
    "--operation",
    type=click.Choice(list(OPERATIONS)),
    help=f"What is computed.  [default: {DEFAULT_OPERATION}, or the published rule's]",
)
@click.option(
    "--shape", callback=_shape, metavar="ROWS,N", help="Of the inputs.  [default: 16,1000]"
)
@click.option(
    "--dtype",
    metavar="DTYPE",
    callback=options.own_dtype,
    shell_complete=of_dtypes,
    help="Format of inputs and results.  [default: float32]",
)
@click.option("--family", metavar="FAMILY", help="Kind of inputs.  [default: normal-1]")
@options.seed
@click.option("--tight", is_flag=True, help="Propose the tightest rules that right ones pass.")
@click.option("--published", is_flag=True, help="Try every published rule, a line each.")
@click.option("--all", "everything", is_flag=True, help="Name all that is let pass.")
@document_files("json")
def command(
    rule: str | None,
    shape: tuple[int, int] | None,
    tight: bool,
    published: bool,
    everything: bool,
    seed: int,
    files: DocumentFiles,
    **chosen: str | None,
) -> None:
    """Say which faulty softmaxes the tolerance of a test lets pass, and how far off they are.

    RULE is allclose(rtol=1e-2, atol=1e-2); or ulp(3*n+3), in steps between neighbouring numbers
    and with n the length of a row; or FILE.py:NAME of a function judge(y, golden); or the name of
    a published rule, which brings its shape, dtype and inputs along. It is tried on softmaxes with
    known faults and on right ones, all on the same inputs.

    Example: softmax-harness audit "allclose(rtol=1e-2, atol=1e-2)" --dtype bfloat16 --tight

    Example: softmax-harness audit --published
    """
    about = _problem(rule, shape, chosen)
    if published and (rule is not None or tight or about != _PLAIN):
        raise BadData("--published brings rules, shapes and inputs along: leave out all others")
    if not (published or rule or tight):
        raise BadData("no rule: expected one such as 'allclose(rtol=1e-2, atol=1e-2)', or --tight")
    files.check()
    if published:
        done = [_tried(each, [parse_rule(each.rule)], seed)[0] for each in PUBLISHED.values()]
        click.echo("\n".join(published_lines(zip(PUBLISHED.values(), done, strict=True))))
    else:
        done = _tried(about, [parse_rule(about.rule)] if about.rule else [], seed, tight)
        where = _where(about, seed)
        texts = ["\n".join(audit_lines(each, where, everything)) for each in done]
        click.echo("\n\n".join(texts))
    files.write(json=lambda: json_text({"schema": 1, "audits": [audit_document(e) for e in done]}))


def _problem(
    rule: str | None, shape: tuple[int, int] | None, chosen: dict[str, str | None]
) -> Published:
    """The published rule of that name, or the plain problem, each as the options change it."""
    own: dict[str, Any] = {name: value for name, value in chosen.items() if value is not None}
    if shape is not None:
        own |= {"rows": shape[0], "n": shape[1]}
    known = PUBLISHED.get(rule or "")
    return replace(known, **own) if known else replace(_PLAIN, rule=rule or "", **own)


def _tried(about: Published, rules: Sequence[Rule], seed: int, tight: bool = False) -> list[Audit]:
    """The rules, and where `tight` is asked for the tightest ones, on one set of answers.

    A rule of a file may have loaded a library that changes the arithmetic of this process.
    """
    with as_guest():
        asked = Asked.of(operation_named(about.operation), _recipe(about, seed))
        answers = list(asked.answers())
    return [
        audit(rule, asked, answers)
        for rule in (*rules, *(tightest(asked, answers) if tight else ()))
    ]


def _recipe(about: Published, seed: int) -> Recipe:
    if about.family not in FAMILIES:
        raise unknown("family", about.family, FAMILIES)
    family, format = FAMILIES[about.family], format_named(about.dtype)
    if family.lengths and about.n not in family.lengths:
        lengths = ", ".join(map(str, family.lengths))
        raise BadData(
            f"family {family.name} has rows of {lengths}: give --shape ROWS,N with such N"
        )
    return Recipe(family, format, about.n, family.rows or about.rows, seed)


def _where(about: Published, seed: int) -> str:
    name = f"{about.operation}, {about.dtype}, {about.rows} rows of {about.n}, {about.family}"
    return f"{name}, seed {seed}" + (f" ({about.source})" if about.source else "")
