"""The tables of a run: of the cells that it measured, of its experiments, of its timings."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any

import pandas as pd

from softmax_harness.inputs.witness import recipe_text
from softmax_harness.judgement.aggregate import BINS_PER_BINADE, HISTOGRAM_FLOOR
from softmax_harness.judgement.metrics import METRICS, metrics_of
from softmax_harness.judgement.outcomes import OUTCOMES
from softmax_harness.operations import OPERATIONS
from softmax_harness.run.experiments import Row
from softmax_harness.run.results import COLUMNS, KEYS, with_counts
from softmax_harness.run.selection import Selection
from softmax_harness.run.sweep import Cell, Progress
from softmax_harness.timing import read_history, read_timings
from softmax_harness.timing.calls import time_calls


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
        "mean_ulp": tally.mean_ulp,
        "bias_ulp": tally.bias_ulp,
        "p99_ulp": tally.p99_ulp,
        "bound_ulp": tally.bound_ulp,
        "witness": recipe_text(cell.recipe, worst.row, worst.index) if worst else "",
    }
    row |= {metric.name: extremes.get(metric.name, math.nan) for metric in METRICS}
    row |= {metric.name: pd.NA for metric in METRICS if metric.combine == "sum"}
    row |= {name: int(value) for name, value in tally.sums.items()}
    return {column: row[column] for column in COLUMNS}


def metric_rows(cell: Cell) -> Iterator[dict[str, Any]]:
    """The rows of metrics.csv: what results.csv has no room for, and each maximum's witness."""
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


def cell_tables(cells: list[Cell]) -> dict[str, pd.DataFrame]:
    """The tables that come from measured cells."""
    results = pd.DataFrame([results_row(cell) for cell in cells], columns=list(COLUMNS))
    return {
        "results": with_counts(results),
        "metrics": pd.DataFrame([row for cell in cells for row in metric_rows(cell)]),
        "histograms": histograms(cells),
        "planes": pd.DataFrame([row for cell in cells for row in plane_rows(cell)]),
    }


def experiment_tables(found: Iterable[tuple[str, list[Row]]]) -> dict[str, pd.DataFrame]:
    """The tables of experiments, from the name and the rows of each of their jobs in order."""
    rows: dict[str, list[Row]] = {}
    for name, own in found:
        rows.setdefault(name, []).extend(own)
    return {name: pd.DataFrame(own) for name, own in rows.items()}


def timing_tables(selection: Selection, progress: Progress) -> dict[str, pd.DataFrame]:
    """timings.csv and history.csv, in the operations and dtypes that are measured.

    A run takes its own times where it was asked to; else they come from asv's results, as the
    history does.
    """
    wanted = _timed(selection)
    tables = {}
    if selection.asv_results is not None:
        tables = {
            "timings": read_timings(selection.asv_results),
            "history": read_history(selection.asv_results),
        }
        measured = {
            (operation, dtype)
            for operation, named in wanted.items()
            for own in named.values()
            for dtype in own
        }
        tables = {name: _only(table, measured) for name, table in tables.items()}
    if selection.options.time:
        said = selection.options.said
        own = [time_calls(named, progress, operation, said) for operation, named in wanted.items()]
        tables["timings"] = pd.concat(own, ignore_index=True)
    return tables


def _only(table: pd.DataFrame, measured: set[tuple[str, str]]) -> pd.DataFrame:
    keys = zip(table["operation"], table["dtype"], strict=True)
    return table[[key in measured for key in keys]]


def _timed(selection: Selection) -> dict[str, dict[str, list[str]]]:
    """The dtypes in which each implementation of each operation is measured."""
    found: dict[str, dict[str, list[str]]] = {}
    for planned in selection.plan:
        for name in planned.implementations:
            own = found.setdefault(planned.operation, {}).setdefault(name, [])
            if planned.recipe.format.name not in own:
                own.append(planned.recipe.format.name)
    return found
