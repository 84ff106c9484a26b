"""softmax-harness list: what there is to measure and to measure with."""

from __future__ import annotations

from typing import Any

import click

from softmax_harness.ground.documents.as_json import json_text
from softmax_harness.ground.formats import FORMATS, Format
from softmax_harness.inputs.families import FAMILIES
from softmax_harness.inputs.suites import SUITES
from softmax_harness.operations import OPERATIONS
from softmax_harness.subjects.catalogue import catalogue
from softmax_harness.subjects.specification import entry_points


@click.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def command(as_json: bool) -> None:
    """List implementations, families of inputs, suites, formats and operations.

    Example: softmax-harness list
    """
    text = json_text(_document()) if as_json else "\n".join([*_lines(), ""])
    click.echo(text, nl=False)


def _document() -> dict[str, Any]:
    return {
        "schema": 1,
        "implementations": [
            {
                "name": each.name,
                "dtypes": list(each.dtypes),
                "available": each.unavailable is None,
                "unavailable": each.unavailable,
                "summary": each.summary,
                "capabilities": list(each.capabilities),
                "expected_findings": list(each.expected_findings),
                "standard": each.standard,
            }
            for each in catalogue().values()
        ],
        "entry_points": [
            {"name": each.name, "function": each.value} for each in entry_points().values()
        ],
        "families": [
            {"name": family.name, "reason": family.reason, "suite": family.suite}
            for family in FAMILIES.values()
        ],
        "suites": [
            {"name": suite.name, "lengths": list(suite.lengths)} for suite in SUITES.values()
        ],
        "formats": [
            {
                "name": format.name,
                "aliases": list(format.aliases),
                "largest": format.largest,
                "smallest_normal": format.smallest_normal,
                "smallest_subnormal": format.smallest_subnormal,
                "unit_roundoff": format.unit_roundoff,
                "has_infinity": format.has_infinity,
                "package": format.package,
                "is_default": format.is_default,
            }
            for format in FORMATS.values()
        ],
        "operations": list(OPERATIONS),
        "signatures": {name: each.signature for name, each in OPERATIONS.items()},
        "of_operations": {name: list(catalogue(name)) for name in OPERATIONS},
    }


def _lines() -> list[str]:
    lines = ["implementations"]
    for each in catalogue().values():
        what = f"unavailable: {each.unavailable}" if each.unavailable else each.summary
        lines.append(f"  {each.name:20} {' '.join(each.dtypes):34} {what}")
    if entry_points():
        lines += ["", "implementations of other packages"]
        lines += [f"  {each.name:20} {each.value}" for each in entry_points().values()]
    lines += ["", "families of inputs"]
    lines += [f"  {family.name:20} {family.reason}" for family in FAMILIES.values()]
    lines += ["", "suites"]
    lines += [
        f"  {suite.name:20} n = {', '.join(map(str, suite.lengths))}" for suite in SUITES.values()
    ]
    lines += ["", "formats"]
    lines += [f"  {format.name:20} {_told(format)}" for format in FORMATS.values()]
    lines += ["", "operations, with their implementations"]
    for name, operation in OPERATIONS.items():
        lines.append(f"  {name:22} {operation.signature}: {operation.summary}")
        lines.append(f"  {'':22} {' '.join(catalogue(name))}")
    return lines


def _told(format: Format) -> str:
    """The range of a format in a line."""
    beyond = "infinity" if format.has_infinity else "NaN"
    also = f"; also {', '.join(format.aliases)}" if format.aliases else ""
    kind = "" if format.is_default else f"; of {format.package}, only where it is named"
    return (
        f"from {format.smallest_subnormal:.4g} to {format.largest:.6g}, beyond that {beyond}, "
        f"u = {format.unit_roundoff:.3g}{kind}{also}"
    )
