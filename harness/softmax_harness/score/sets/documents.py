"""What is told of a judged set: as plain data for programs, and as lines for people."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from softmax_harness.check.documents.as_json import result_fields
from softmax_harness.check.documents.terminal import text_document
from softmax_harness.check.gate.gated import Gated
from softmax_harness.ground.environment import environment
from softmax_harness.run.sweep import Cell
from softmax_harness.run.tables import results_row
from softmax_harness.score.sets.items import InputSet
from softmax_harness.score.sets.judging import JudgedSet

SCHEMA = 2
_SHOWN = 5


def set_document(there: InputSet, judged: JudgedSet, verdicts: Gated) -> dict[str, Any]:
    """``results`` as ``check`` has them, ``files`` as the rows of results.csv, and the rest."""
    return {
        "schema": SCHEMA,
        "options": dict(there.options),
        "environment": environment(),
        "verdict": "fail" if verdicts.failed else "pass",
        "results": [result_fields(each) for each in verdicts.results],
        "notes": verdicts.notes,
        "files": {name: _numbers(each) for name, each in judged.cells.items()},
        "missing": judged.missing,
        "faults": {name: [vars(each) for each in own] for name, own in judged.faults.items()},
        "others": judged.others,
    }


def _numbers(cell: Cell) -> dict[str, Any]:
    """The row of results.csv; null where the results of an operation have no such number."""
    return {name: None if each is pd.NA else each for name, each in results_row(cell).items()}


def set_lines(there: InputSet, judged: JudgedSet, verdicts: Gated) -> Iterator[str]:
    """The verdict of each format with its findings, then one verdict on all."""
    yield text_document(verdicts)
    if judged.others:
        names = ", ".join(judged.others[:_SHOWN])
        more = f" and {len(judged.others) - _SHOWN} more" if len(judged.others) > _SHOWN else ""
        yield f"not asked for, and not judged: {names}{more}"
    how_many = f"{len(judged.cells)} of {len(there.items)} outputs judged"
    elements = sum(each.tally.elements for each in judged.cells.values())
    yield f"verdict: {'fail' if verdicts.failed else 'pass'}, {how_many}, {elements:,} elements"
