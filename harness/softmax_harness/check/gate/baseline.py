"""A baseline: the accepted results of a check; what is worse is a regression.

Sorted JSON with a line for each cell, made to be committed and read in a diff.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from softmax_harness.check.contract import Checked
from softmax_harness.check.contract.finding import Key
from softmax_harness.check.contract.summaries import RecipeSummary
from softmax_harness.ground.environment import environment
from softmax_harness.ground.errors import BadBaseline
from softmax_harness.operations import DEFAULT_OPERATION

SCHEMA = 1


@dataclass(frozen=True)
class Entry:
    """One implementation in one dtype as it was accepted.

    Attributes
    ----------
    taken_on : dict
        What decides the bits: the kind of machine, the instruction sets that NumPy found there,
        NumPy's version.
    findings : tuple of str
        The kinds of its faults, those that were known among them.
    cells : dict of str to RecipeSummary
        By name.
    """

    taken_on: dict[str, str]
    findings: tuple[str, ...]
    cells: dict[str, RecipeSummary]


@dataclass(frozen=True)
class Baseline:
    """Entries by implementation and dtype.

    Attributes
    ----------
    seed : int
        Of the inputs.
    entries : dict
    """

    seed: int
    entries: dict[Key, Entry]


def taken_here() -> dict[str, str]:
    """What decides the bits of a result on this machine."""
    found = environment()
    numpy = found["packages"]["numpy"]
    return {"machine": found["platform"], "simd": "+".join(found["simd"]), "numpy": numpy}


def entry_of(result: Checked) -> Entry:
    """The entry that accepts a result as it is."""
    kinds = {finding.kind for finding in (*result.findings, *result.expected)} - {"regression"}
    return Entry(taken_here(), tuple(sorted(kinds)), {cell.name: cell for cell in result.cells})


def read(path: Path) -> Baseline:
    """The baseline in a file.

    Raises
    ------
    BadBaseline
        If there is none, or one that cannot be read.
    """
    if not path.is_file():
        raise BadBaseline(
            f"{path}: no such baseline; make it with softmax-harness check --baseline {path} "
            "--update-baseline"
        )
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if document["schema"] != SCHEMA:
            raise BadBaseline(
                f"{path}: schema {document['schema']}, expected {SCHEMA}; delete it and "
                "take it again with --update-baseline"
            )
        entries = {
            _key(name, dtype, entry): _entry(entry)
            for name, by_dtype in document["results"].items()
            for dtype, entry in by_dtype.items()
        }
        return Baseline(int(document["seed"]), entries)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadBaseline(
            f"{path}: the baseline cannot be read ({type(error).__name__}: {error}); delete it and "
            "take it again with --update-baseline"
        ) from None


def _key(label: str, dtype: str, document: dict[str, Any]) -> Key:
    """What an entry is about; the operation stands in it where that is not the default."""
    operation = str(document.get("operation", DEFAULT_OPERATION))
    return Key(operation, label.removeprefix(f"{operation}/"), dtype)


def _entry(document: dict[str, Any]) -> Entry:
    cells = {
        name: RecipeSummary(
            name, float(cell["max_ulp"]), float(cell["mean_ulp"]), tuple(cell["outcomes"]), ""
        )
        for name, cell in document["cells"].items()
    }
    return Entry(dict(document["taken_on"]), tuple(document["findings"]), cells)


def text_of(baseline: Baseline) -> str:
    """The file: sorted, and a line for each cell."""
    return "\n".join(_lines(baseline)) + "\n"


def _lines(baseline: Baseline) -> Iterator[str]:
    yield "{"
    yield f' "schema": {SCHEMA},'
    yield f' "seed": {baseline.seed},'
    yield ' "results": {'
    names = sorted({key.label for key in baseline.entries})
    for name in names:
        yield f"  {json.dumps(name)}: {{"
        own = {key.dtype: key for key in sorted(baseline.entries) if key.label == name}
        for dtype, key in (dtypes := dict(sorted(own.items()))).items():
            yield f"   {json.dumps(dtype)}: {{"
            if key.operation != DEFAULT_OPERATION:
                yield f'    "operation": {json.dumps(key.operation)},'
            yield from _entry_lines(baseline.entries[key])
            yield "   }" + _comma(dtype, list(dtypes))
        yield "  }" + _comma(name, names)
    yield " }"
    yield "}"


def _entry_lines(entry: Entry) -> Iterator[str]:
    yield f'    "taken_on": {json.dumps(entry.taken_on, sort_keys=True)},'
    yield f'    "findings": {json.dumps(entry.findings)},'
    yield '    "cells": {'
    for name in (names := sorted(entry.cells)):
        cell = entry.cells[name]
        numbers = {
            "max_ulp": float(f"{cell.max_ulp:.9g}"),
            "mean_ulp": float(f"{cell.mean_ulp:.9g}"),
            "outcomes": cell.outcomes,
        }
        yield f"     {json.dumps(name)}: {json.dumps(numbers)}{_comma(name, names)}"
    yield "    }"


def _comma(each: str, all_: list[str]) -> str:
    return "" if each == all_[-1] else ","
