"""A judged set as a run, which has the tables and the report of any other."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from softmax_harness.run.info import info_of_cells
from softmax_harness.run.results import Run
from softmax_harness.run.tables import cell_tables
from softmax_harness.score.sets.items import InputSet
from softmax_harness.score.sets.judging import Asked, JudgedSet


def as_run(there: InputSet, outputs: Path, judged: JudgedSet, asked: Asked) -> Run:
    """What was judged, as `softmax_harness.run.results.write` takes it.

    In ``options`` stands where the inputs and the outputs lay; among the faults, which are missing.
    """
    operation = there.operation
    options = {
        "implementations": (asked.name,),
        "dtypes": there.dtypes,
        "families": there.options.get("families", ()),
        "operation": operation,
        "suite": there.options.get("suite", ""),
        "seed": there.seed,
        "jobs": 1,
        "truth": "screened",
        **asdict(asked.said),
        "time": False,
        "inputs": str(there.folder),
        "outputs": str(outputs),
    }
    declared = {(operation, asked.name): judged.declaration}
    cells = list(judged.cells.values())
    tables = cell_tables(cells)
    held = {name: table for name, table in tables.items() if len(table)}
    info = info_of_cells(options, declared, cells, judged.counts)
    return Run(info | {"faults": _faults(judged)}, held)


def _faults(judged: JudgedSet) -> dict[str, list[str]]:
    """What keeps outputs from being judged, by what the report says it of."""
    return {
        f"{each.key.label} {each.dtype}": found
        for each in judged.results
        if (found := [one.message for one in each.findings if not one.metric and not one.witness])
    }
