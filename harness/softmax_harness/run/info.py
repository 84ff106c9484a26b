"""What run.json says of a run: what was asked for, where, and what was found beside numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from softmax_implementations import Implementation

from softmax_harness.ground.environment import environment
from softmax_harness.ground.formats import FORMATS
from softmax_harness.operations import qualified
from softmax_harness.operations.elementary import elementary_errors
from softmax_harness.run.measuring import Counts
from softmax_harness.run.options import Options
from softmax_harness.run.results import SCHEMA
from softmax_harness.run.selection import Selection
from softmax_harness.run.sweep import Cell


def info_of(selection: Selection, cells: list[Cell], counts: Counts) -> dict[str, Any]:
    """The contents of run.json, without the digests of the tables."""
    used = {_key(cell): selection.implementations[_key(cell)[0]][_key(cell)[1]] for cell in cells}
    return info_of_cells(_plain(selection.options), used, cells, counts)


def info_of_cells(
    options: dict[str, Any],
    implementations: Mapping[tuple[str, str], Implementation],
    cells: list[Cell],
    counts: Counts,
) -> dict[str, Any]:
    """The same of any cells.

    Parameters
    ----------
    options : dict
        What was asked for, ``dtypes`` among it.
    implementations : mapping
        What is declared, by operation and name.
    cells : list of Cell
    counts : Counts
    """
    return {
        "schema": SCHEMA,
        "options": options,
        "environment": environment(),
        "counts": asdict(counts) | {"elements": counts.screened + counts.escalated},
        "elementary_errors": {
            name: asdict(elementary_errors(FORMATS[name])) for name in options["dtypes"]
        },
        "implementations": {
            qualified(*key): _declared(each) for key, each in implementations.items()
        },
        "families": {cell.recipe.family.name: cell.recipe.family.reason for cell in cells},
        "faults": _faults(cells),
    }


def _faults(cells: list[Cell]) -> dict[str, list[str]]:
    """What was wrong with calls, by implementation and format, each once."""
    found: dict[str, dict[str, None]] = {}
    for cell in cells:
        if cell.faults:
            key = f"{qualified(*_key(cell))} {cell.recipe.format.name}"
            found.setdefault(key, {}).update(dict.fromkeys(cell.faults))
    return {key: list(faults) for key, faults in found.items()}


def _plain(options: Options) -> dict[str, Any]:
    fields = asdict(options)
    said: dict[str, Any] = fields.pop("said")
    fit, _ = dict(said.pop("fit")), said.pop("policy")  # which a run does not state
    return fields | said | ({"fit": fit} if fit else {})


def _key(cell: Cell) -> tuple[str, str]:
    return cell.operation, cell.implementation


def _declared(implementation: Implementation) -> dict[str, Any]:
    return {
        "summary": implementation.summary,
        "dtypes": list(implementation.dtypes),
        "bound": implementation.bound,
        "expected_findings": list(implementation.expected_findings),
        "standard": implementation.standard,
    }
