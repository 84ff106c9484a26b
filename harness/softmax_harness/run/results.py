"""A run on disk: run.json, results.csv and the tables beside it; read here, written here."""

from __future__ import annotations

import hashlib
import json
import math
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from softmax_harness.ground.errors import BadFolder
from softmax_harness.inputs.witness import recipe_text
from softmax_harness.judgement.aggregate import BINS_PER_BINADE, HISTOGRAM_FLOOR
from softmax_harness.judgement.metrics import METRICS, metrics_of
from softmax_harness.judgement.outcomes import OUTCOMES
from softmax_harness.operations import OPERATIONS
from softmax_harness.run.sweep import Cell

SCHEMA = 2
KEYS = ("operation", "implementation", "dtype", "family", "n")
COLUMNS = (
    *KEYS,
    "rows",
    "elements",
    *OUTCOMES,
    "max_ulp",
    "mean_ulp",
    "p99_ulp",
    "bias_ulp",
    "max_ulp_probable",
    "max_vs_input_rounding",
    "bound_ulp",
    "sum_defect",
    "order_inversions",
    "argmax_flips",
    "total_variation",
    "witness",
)
TABLES = (
    "results",
    "metrics",
    "histograms",
    "planes",
    "digits",
    "attention",
    "properties",
    "multi_label",
    "attention_shares",
    "timings",
    "history",
)


@dataclass(frozen=True)
class Run:
    """A finished run.

    Attributes
    ----------
    info : dict
        The contents of run.json: schema, options, environment, counts, implementations.
    tables : dict of str to DataFrame
        By name, those of `TABLES` that have rows; ``results`` always.
    """

    info: dict[str, Any]
    tables: dict[str, pd.DataFrame]

    def of(self, operation: str) -> Run:
        """What was measured of one operation."""
        chosen = {
            name: table[table["operation"] == operation] if "operation" in table else table
            for name, table in self.tables.items()
        }
        return Run(self.info, {name: table for name, table in chosen.items() if len(table)})

    @property
    def results(self) -> pd.DataFrame:
        """One row per operation, implementation, dtype, family and n; columns `COLUMNS`."""
        return self.tables["results"]


def _keys(cell: Cell) -> dict[str, Any]:
    recipe = cell.recipe
    values = (cell.operation, cell.implementation, recipe.format.name, recipe.family.name, recipe.n)
    return dict(zip(KEYS, values, strict=True))


def results_row(cell: Cell) -> dict[str, Any]:
    """The row of results.csv for one cell."""
    tally = cell.tally
    extremes = {name: extreme.value for name, extreme in tally.extremes.items()}
    worst = tally.extremes.get("max_ulp")
    row = _keys(cell) | {
        "rows": tally.rows,
        "elements": tally.elements,
        **dict(zip(OUTCOMES, tally.outcomes.tolist(), strict=True)),
        "mean_ulp": tally.sum_absolute / tally.measured if tally.measured else math.nan,
        "bias_ulp": tally.sum_signed / tally.measured if tally.measured else math.nan,
        "p99_ulp": tally.p99_ulp,
        "bound_ulp": tally.bound_ulp,
        "witness": recipe_text(cell.recipe, worst.row, worst.index) if worst else "",
    }
    row |= {metric.name: extremes.get(metric.name, math.nan) for metric in METRICS}
    row |= {metric.name: pd.NA for metric in METRICS if metric.combine == "sum"}
    row |= {name: int(value) for name, value in tally.sums.items()}
    return {column: row[column] for column in COLUMNS}


def metric_rows(cell: Cell) -> Iterator[dict[str, Any]]:
    """The rows of metrics.csv: what results.csv has no room for, and the witness of each maximum."""
    for metric in metrics_of(OPERATIONS[cell.operation]):
        extreme = cell.tally.extremes.get(metric.name)
        if extreme is not None and metric.name != "max_ulp":
            text = recipe_text(cell.recipe, extreme.row, extreme.index)
            yield _keys(cell) | {"metric": metric.name, "value": extreme.value, "witness": text}
        elif metric.combine == "sum" and metric.name not in COLUMNS:
            value = cell.tally.sums[metric.name]
            yield _keys(cell) | {"metric": metric.name, "value": value, "witness": ""}


def histograms(cells: list[Cell]) -> pd.DataFrame:
    """histograms.csv: elements by the log2 at which their half binade begins, all n together."""
    sums: dict[tuple[str, ...], Any] = {}
    for cell in cells:
        recipe = cell.recipe
        key = (cell.operation, cell.implementation, recipe.format.name, recipe.family.name)
        halves = cell.tally.histogram.reshape(-1, BINS_PER_BINADE // 2).sum(axis=1)
        sums[key] = sums.get(key, 0) + halves
    return pd.DataFrame(
        [
            (*key, HISTOGRAM_FLOOR + position / 2, count)
            for key, counts in sums.items()
            for position, count in enumerate(counts.tolist())
            if count
        ],
        columns=[*KEYS[:4], "log2_ulp", "elements"],
    )


def plane_rows(cell: Cell) -> Iterator[dict[str, Any]]:
    """The rows of planes.csv: each row of a family that maps a plane."""
    grid, by_row = cell.recipe.family.grid, cell.by_row
    if grid is None or by_row is None:
        return
    for row, coordinate in enumerate(grid(cell.recipe.format).tolist()):
        outcomes = dict(zip(OUTCOMES, by_row.outcomes[row].tolist(), strict=True))
        errors = {"max_ulp": by_row.max_ulp[row], "bound_ulp": by_row.bound_ulp[row]}
        yield _keys(cell) | {"coordinate": coordinate} | outcomes | errors


def _results(cells: list[Cell]) -> pd.DataFrame:
    table = pd.DataFrame([results_row(cell) for cell in cells], columns=list(COLUMNS))
    # Counts stay whole numbers where operations that have none of them stand in the same column.
    counted = [each.name for each in METRICS if each.combine == "sum" and each.name in COLUMNS]
    return table.astype(dict.fromkeys(counted, "Int64"))


def tables_of(cells: list[Cell]) -> dict[str, pd.DataFrame]:
    """The tables that come from measured cells."""
    return {
        "results": _results(cells),
        "metrics": pd.DataFrame([row for cell in cells for row in metric_rows(cell)]),
        "histograms": histograms(cells),
        "planes": pd.DataFrame([row for cell in cells for row in plane_rows(cell)]),
    }


def write(run: Run, folder: Path) -> None:
    """Write one .csv for each table, floats so that they read back, and run.json with their digests."""
    for name, table in run.tables.items():
        table.to_csv(folder / f"{name}.csv", index=False, lineterminator="\n")
    digests = {name: _digest(folder / f"{name}.csv") for name in run.tables}
    text = json.dumps(run.info | {"sha256": digests}, indent=1, allow_nan=False)
    (folder / "run.json").write_text(text + "\n", encoding="utf-8")


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def read(folder: Path) -> Run:
    """The run in `folder`.

    Raises
    ------
    BadFolder
        If there is none, or one of another schema, or one whose files are not as they were written.
    """
    path = folder / "run.json"
    if not path.is_file():
        raise BadFolder(
            f"{folder}: no run.json there; expected a folder written by softmax-harness run"
        )
    try:
        info = json.loads(path.read_text(encoding="utf-8"))
        if info["schema"] != SCHEMA:
            raise BadFolder(
                f"{folder}: schema {info['schema']}, expected {SCHEMA}; make the run again"
            )
        digests = info["sha256"]
        for name, digest in digests.items():
            if name not in TABLES or _digest(folder / f"{name}.csv") != digest:
                raise BadFolder(
                    f"{folder}: {name}.csv has changed since the run wrote it; make the run again"
                )
        tables = {name: pd.read_csv(folder / f"{name}.csv") for name in digests}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadFolder(f"{folder}: the run cannot be read ({error}); make it again") from None
    missing = [name for name in COLUMNS if name not in tables.get("results", pd.DataFrame())]
    if missing:
        raise BadFolder(f"{folder}: results.csv lacks {', '.join(missing)}; make the run again")
    return Run(info, tables)


def copy(folder: Path, fresh: Path) -> None:
    """Copy the run in `folder`, without its report, to `fresh`."""
    for name in ("run.json", *(f"{name}.csv" for name in TABLES)):
        if (folder / name).is_file():
            shutil.copy2(folder / name, fresh / name)
