"""Partial runs, of several machines, as the one run that they are parts of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

import pandas as pd

from softmax_harness.ground.errors import BadFolder
from softmax_harness.run.results import KEYS, SCHEMA, TABLES, Run, with_counts
from softmax_harness.run.witnessing import of_worst

Named = tuple[str, Run]
"""What the command calls a run, and the run."""

# What each part has of its own. All else that was asked for must be the same.
_OF_A_PART = ("implementations", "dtypes", "families", "operation", "jobs", "time")
# A run's cells stand in this order.
_ORDER = ("operation", "dtype", "family", "n", "implementation")
# Times are compared with others of the same minutes, and not with those of another run.
_TIMES = {"timings", "history"}


def merged(parts: Sequence[Named]) -> tuple[Run, list[str]]:
    """The run that holds what its parts hold, and what was left out of it.

    A cell that several parts have must be the same in all of them, to the bit.

    Parameters
    ----------
    parts : sequence of (str, Run)
        From `softmax_harness.run.results.read`, which refuses other schemas and changed files.

    Raises
    ------
    BadFolder
        If two parts were made by other versions of the harness, from other seeds, suites or
        options, or if they differ in what both have.
    """
    for first, other in pairwise(parts):
        _check_alike(first, other)
    notes = []
    if sum(not _TIMES.isdisjoint(run.tables) for _, run in parts) > 1:
        notes.append(
            "the times are left out, since those of several runs cannot be compared: add --time "
            "to a run of all implementations"
        )
        parts = [(name, _without_times(run)) for name, run in parts]
    tables = {
        name: _in_order(_one_table(name, own))
        for name in TABLES
        if (own := [(called, run.tables[name]) for called, run in parts if name in run.tables])
    }
    tables["results"] = with_counts(tables["results"])
    if "witnesses" in tables:
        tables["witnesses"] = of_worst(tables["witnesses"], tables["results"])
    return Run(_info(parts, tables["results"]), tables), notes


def _without_times(run: Run) -> Run:
    return Run(run.info, {name: each for name, each in run.tables.items() if name not in _TIMES})


def _check_alike(first: Named, other: Named) -> None:
    asked = [_asked(run) for _, run in (first, other)]
    for name, value in asked[0].items():
        if asked[1].get(name) != value:
            raise BadFolder(
                f"{first[0]} and {other[0]} differ in {name}, {value} and {asked[1].get(name)}: "
                "parts of one run are made with the same options, but for implementations, "
                "--dtype, --family and --operation"
            )
    declared = [run.info["implementations"] for _, run in (first, other)]
    for name in declared[0].keys() & declared[1].keys():
        if declared[0][name] != declared[1][name]:
            raise BadFolder(
                f"{first[0]} and {other[0]} declare {name} differently: make one of them again "
                "with the code of the other"
            )


def _asked(run: Run) -> dict[str, Any]:
    versions = run.info["environment"]["packages"]
    own = {name: value for name, value in run.info["options"].items() if name not in _OF_A_PART}
    return {"the version of softmax-harness": versions.get("softmax-harness"), **own}


def _one_table(name: str, parts: Iterable[tuple[str, pd.DataFrame]]) -> pd.DataFrame:
    """The rows of all parts; what several have is held against the first of them.

    A group is what one job of a run gives: all rows of one operation, implementation, dtype and
    family, as far as the table tells them apart.
    """
    known: dict[Any, tuple[str, pd.DataFrame]] = {}
    for called, table in parts:
        by = [key for key in KEYS[:4] if key in table]
        groups = table.groupby(by, sort=False, dropna=False) if by else [((), table)]
        for group, rows in groups:
            if group not in known:
                known[group] = called, rows
            elif not rows.reset_index(drop=True).equals(known[group][1].reset_index(drop=True)):
                raise BadFolder(
                    f"{known[group][0]} and {called} differ in {name}.csv at "
                    f"{' '.join(map(str, group)) or 'some row'}: leave it out of one of them, or "
                    "make both on like processors with the same versions"
                )
    return pd.concat([rows for _, rows in known.values()], ignore_index=True)


def _in_order(table: pd.DataFrame) -> pd.DataFrame:
    """The rows as a single run has them: its cells nest in this order."""
    by = [key for key in _ORDER if key in table]
    if not by:
        return table
    ranks = {key: table[key] if key == "n" else pd.factorize(table[key])[0] for key in by}
    order = pd.DataFrame(ranks).sort_values(by, kind="stable").index
    return table.loc[order].reset_index(drop=True)


def _info(parts: Sequence[Named], results: pd.DataFrame) -> dict[str, Any]:
    infos = [run.info for _, run in parts]
    options = [each["options"] for each in infos]
    operations = list(dict.fromkeys(each["operation"] for each in options))
    measured = {key: list(dict.fromkeys(results[key])) for key in ("implementation", "family")}
    return {
        "schema": SCHEMA,
        "options": options[0]
        | {
            "implementations": measured["implementation"],
            "dtypes": list(dict.fromkeys(results["dtype"])),
            "families": measured["family"],
            "operation": operations[0] if len(operations) == 1 else "all",
            "jobs": max(each["jobs"] for each in options),
            "time": any(each["time"] for each in options),
        },
        "environment": _together([each["environment"] for each in infos]),
        "counts": _added([each["counts"] for each in infos]),
        "elementary_errors": _largest([each["elementary_errors"] for each in infos]),
        "implementations": _union(each["implementations"] for each in infos),
        "families": _union(each["families"] for each in infos),
        "faults": _union(each["faults"] for each in infos),
        "made": _made(infos, results),
        "parts": [_part(each) for each in infos],
    }


def _together(environments: list[dict[str, Any]]) -> dict[str, Any]:
    """What is the same in all stands once; else each part's stands beside the others."""
    found: dict[str, Any] = {}
    for name, first in environments[0].items():
        own = list(dict.fromkeys(_text(each.get(name)) for each in environments))
        found[name] = first if len(own) == 1 or name == "cores" else " | ".join(own)
    return found


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {each}" for name, each in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _added(counts: list[dict[str, int]]) -> dict[str, int]:
    return {name: sum(each[name] for each in counts) for name in counts[0]}


def _largest(errors: list[dict[str, dict[str, float]]]) -> dict[str, dict[str, float]]:
    """Of each dtype, the largest that a machine measured."""
    found: dict[str, dict[str, float]] = {}
    for each in errors:
        for dtype, own in each.items():
            known = found.setdefault(dtype, own)
            found[dtype] = {name: max(value, known[name]) for name, value in own.items()}
    return found


def _union(tables: Iterable[dict[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for each in tables:
        found |= each
    return found


def _made(infos: list[dict[str, Any]], results: pd.DataFrame) -> dict[str, Any]:
    made = [each.get("made", {}) for each in infos]
    commits = dict.fromkeys(each["commit"] for each in made if each.get("commit"))
    measured = {*results["implementation"]}
    return {
        "date": max((each.get("date", "") for each in made), default=""),
        "commit": ", ".join(commits),
        "command": "; ".join(each.get("command", "") for each in made),
        "unavailable": {
            name: reason
            for name, reason in _union(each.get("unavailable", {}) for each in made).items()
            if name.rpartition("/")[2] not in measured
        },
    }


def _part(info: dict[str, Any]) -> dict[str, Any]:
    made = info.get("made", {})
    return {
        "command": made.get("command", ""),
        "date": made.get("date", ""),
        "processor": info["environment"]["processor"],
    }
