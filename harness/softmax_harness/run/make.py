"""A whole run: what to measure, the sweep, the experiments on real logits, the timings."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import pandas as pd
from softmax_implementations import Implementation

from softmax_harness.ground.environment import environment
from softmax_harness.ground.errors import UnknownName, unknown
from softmax_harness.ground.formats import DEFAULT_DTYPES, FORMATS, format_named
from softmax_harness.ground.memory import keep_freed_memory
from softmax_harness.ground.workers import processes
from softmax_harness.inputs.families import FAMILIES, Family, Recipe
from softmax_harness.inputs.families.npy_file import npy_family
from softmax_harness.inputs.suites import (
    families_of,
    fits_without_screen,
    recipes,
    suite_named,
    without_screen,
)
from softmax_harness.operations import OPERATIONS
from softmax_harness.operations.elementary import elementary_errors
from softmax_harness.run.experiments import EXPERIMENTS
from softmax_harness.run.experiments.attention_shares import attention_shares_table
from softmax_harness.run.experiments.multi_label import multi_label_table
from softmax_harness.run.experiments.properties import properties_table
from softmax_harness.run.results import SCHEMA, Run, tables_of
from softmax_harness.run.sweep import Cell, Counts, sweep
from softmax_harness.subjects.catalogue import catalogue
from softmax_harness.subjects.isolation.specification import is_foreign
from softmax_harness.subjects.named import available, implementation_named
from softmax_harness.timing import read_history, read_timings

Progress = Callable[[str, int, int], None]
Plan = list[tuple[Recipe, tuple[str, ...]]]


@dataclass(frozen=True)
class Options:
    """What was asked of a run.

    Attributes
    ----------
    implementations, dtypes, families : tuple of str
        Names; empty for all that the suite holds. A family may be the path of a .npy file.
    operation, suite : str
        An operation, or ``all``.
    seed, jobs : int
        The seed of all inputs; worker processes.
    truth : {"screened", "mpmath"}
        Whether mpmath judges everything, or what the screen leaves open and every maximum.
    """

    implementations: tuple[str, ...] = ()
    dtypes: tuple[str, ...] = DEFAULT_DTYPES
    families: tuple[str, ...] = ()
    operation: str = "softmax"
    suite: str = "quick"
    seed: int = 0
    jobs: int = 1
    truth: str = "screened"


def chosen_operations(options: Options) -> list[str]:
    """The operations asked for."""
    return list(OPERATIONS) if options.operation == "all" else [options.operation]


def chosen_implementations(options: Options, operation: str) -> list[Implementation]:
    """The implementations asked for, those that can run here if none are named.

    Of all operations together only those that have an implementation of a name are measured.

    Raises
    ------
    UnknownName
        If there is none of that name, or none that takes any of the dtypes.
    """
    if options.implementations:
        names = options.implementations
        if options.operation == "all":
            names = tuple(name for name in names if name in catalogue(operation))
        chosen = [implementation_named(name, operation) for name in names]
        for each in chosen:
            if each.unavailable:
                raise UnknownName(f"{each.name} cannot run here: {each.unavailable}")
    else:
        chosen = available(operation)
    if chosen and not any(dtype in each.dtypes for each in chosen for dtype in options.dtypes):
        raise UnknownName(
            f"none of {', '.join(each.name for each in chosen)} takes "
            f"{', '.join(options.dtypes)}: see softmax-harness list for the dtypes of each"
        )
    return chosen


def chosen_families(options: Options) -> list[Family]:
    """The families asked for, those of the suite if none are named."""
    if not options.families:
        return families_of(suite_named(options.suite))
    return [_family(name) for name in options.families]


def _check_known_somewhere(names: tuple[str, ...]) -> None:
    """Refuse a name that no operation has, which would be left out of all of them."""
    known = sorted({name for operation in OPERATIONS for name in catalogue(operation)})
    for name in names:
        if is_foreign(name):
            raise UnknownName(f"{name} computes one operation, not all: give --operation OPERATION")
        if name not in known:
            raise unknown("implementation of any operation", name, known)


def _family(name: str) -> Family:
    if name in FAMILIES:
        return FAMILIES[name]
    if name.endswith(".npy"):
        return npy_family(Path(name))
    raise unknown("family", name, FAMILIES)


def planned(options: Options, operation: str) -> Plan:
    """Every recipe with the names of the implementations that take its format."""
    formats = [format_named(name) for name in options.dtypes]
    chosen = chosen_implementations(options, operation)
    for format in formats:
        _ = format.dtype  # says here what to install for a dtype that NumPy lacks
    suite, families = suite_named(options.suite), chosen_families(options)
    if OPERATIONS[operation].screen is None:
        suite = without_screen(suite)
        if not options.families:
            families = [each for each in families if fits_without_screen(each)]
    cells = recipes(suite, families, formats, options.seed)
    named = (
        (recipe, tuple(each.name for each in chosen if recipe.format.name in each.dtypes))
        for recipe in cells
    )
    return [(recipe, names) for recipe, names in named if names]


def make_run(
    options: Options,
    asv_results: Path | None = None,
    progress: Progress = lambda what, done, total: None,
) -> Run:
    """Measure all that `options` ask for.

    Parameters
    ----------
    options : Options
    asv_results : Path, optional
        asv's folder of results, from which the timings come.
    progress : callable, optional
        Called with what is done, elements judged, and elements in all.
    """
    operations = chosen_operations(options)
    if options.operation == "all":
        _check_known_somewhere(options.implementations)
    plans = {operation: planned(options, operation) for operation in operations}
    plan = plans.get("softmax", [])
    cells, counts = _measured(options, plans, progress)
    tables = tables_of(cells) | _experiments(options, plan)
    if asv_results is not None:
        tables |= timing_tables(asv_results, {recipe.format.name for recipe, _ in plan})
    return Run(
        _info(options, cells, counts), {name: each for name, each in tables.items() if len(each)}
    )


def _experiments(options: Options, plan: Plan) -> dict[str, pd.DataFrame]:
    """The tables of the experiments whose family of inputs is in the plan."""
    chosen = chosen_implementations(options, "softmax") if plan else []
    tables = {}
    for name, experiment in EXPERIMENTS.items():
        formats = [recipe.format for recipe, _ in plan if recipe.family.name == name]
        if formats:
            tables[name] = experiment(chosen, formats)
    if "digits" in tables:
        tables["multi_label"] = multi_label_table()
    formats = list({recipe.format.name: recipe.format for recipe, _ in plan}.values())
    if options.operation == "all" and plan:
        tables["properties"] = properties_table(chosen, formats)
        tables["attention_shares"] = attention_shares_table(chosen, formats)
    return tables


def timing_tables(asv_results: Path, dtypes: set[str]) -> dict[str, pd.DataFrame]:
    """timings.csv and history.csv from asv's results, for these dtypes."""
    tables = {"timings": read_timings(asv_results), "history": read_history(asv_results)}
    return {name: table[table["dtype"].isin(dtypes)] for name, table in tables.items()}


def _measured(
    options: Options, plans: dict[str, Plan], progress: Progress
) -> tuple[list[Cell], Counts]:
    total = sum(recipe.n * recipe.rows for plan in plans.values() for recipe, _ in plan)
    judged = 0

    def more(elements: int) -> None:
        nonlocal judged
        judged += elements
        progress("judging", judged, total)

    if options.jobs == 1:
        keep_freed_memory()
        return _swept(plans, options.truth, None, more)
    with processes(options.jobs, "spawn") as executor:
        return _swept(plans, options.truth, executor, more)


def _swept(
    plans: dict[str, Plan], tier: str, executor: Executor | None, more: Callable[[int], None]
) -> tuple[list[Cell], Counts]:
    cells, counts = [], Counts()
    swept = (sweep(each, plan, tier, executor, more) for each, plan in plans.items())
    for some, own in chain.from_iterable(swept):
        cells += some
        counts = counts.add(own)
    return cells, counts


def _label(operation: str, name: str) -> str:
    """How run.json names an implementation."""
    return name if operation == "softmax" else f"{operation}/{name}"


def _info(options: Options, cells: list[Cell], counts: Counts) -> dict[str, Any]:
    used = {
        (cell.operation, cell.implementation): implementation_named(
            cell.implementation, cell.operation
        )
        for cell in cells
    }
    families = {cell.recipe.family.name: cell.recipe.family for cell in cells}
    faults = {
        f"{_label(cell.operation, cell.implementation)} {cell.recipe.format.name}": list(
            cell.faults
        )
        for cell in cells
        if cell.faults
    }
    return {
        "schema": SCHEMA,
        "options": asdict(options) | {"jobs": options.jobs},
        "environment": environment(),
        "counts": asdict(counts) | {"elements": counts.screened + counts.escalated},
        "elementary_errors": {
            name: asdict(elementary_errors(FORMATS[name])) for name in options.dtypes
        },
        "implementations": {
            _label(*key): {
                "summary": each.summary,
                "dtypes": list(each.dtypes),
                "bound": each.bound,
                "expected_findings": list(each.expected_findings),
            }
            for key, each in used.items()
        },
        "families": {name: family.reason for name, family in families.items()},
        "faults": faults,
    }
