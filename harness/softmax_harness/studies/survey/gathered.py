"""The tables of a survey, from its units: results.csv, probes.csv, bits.csv and survey.json."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from softmax_harness.run.results import COLUMNS
from softmax_harness.studies.survey.ways import PLAIN

SCHEMA = 1
TABLES = ("results", "probes", "bits")
FILES = ("survey.json", *(f"{name}.csv" for name in TABLES))
_ABOUT = ("library", "setting", "operation", "dtype")
_FIRST = ("library", "setting", "way")
_ADDED = ("standard", "beyond_usual", "beyond_relative", "faults")
Unit = dict[str, Any]


def tables(units: Sequence[Unit]) -> dict[str, pd.DataFrame]:
    """The tables by name."""
    results = pd.DataFrame([row for unit in units for row in _rows(unit)])
    found = results.reindex(columns=[*_FIRST, *COLUMNS, *_ADDED])
    counted = ["beyond_usual", "beyond_relative", "order_inversions", "argmax_flips"]
    found = found.astype(dict.fromkeys(counted, "Int64"))
    probes = pd.DataFrame([_about(unit) | probe for unit in units for probe in unit["probes"]])
    return {"results": found, "probes": probes, "bits": pd.DataFrame(_bits(results))}


def _rows(unit: Unit) -> Iterator[dict[str, Any]]:
    for row in unit["rows"]:
        yield _about(unit) | row


def _about(unit: Unit) -> dict[str, Any]:
    return {name: unit[name] for name in _ABOUT}


def _bits(results: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """How many rows have other bits than the same rows in a plain call of the first of a library.

    What is held against it: another way to call, another setting, another implementation.
    """
    asked = results[results["bits"] != ""]
    for about, own in asked.groupby(["library", "operation", "dtype"], sort=False):
        first = min(own["implementation"], key=len)
        base = own[(own["setting"] == "") & (own["way"] == PLAIN)]
        for key, other in own.groupby(["implementation", "setting", "way"], sort=False):
            name, setting, way = key
            if (setting, way) == ("", PLAIN):
                if name == first:
                    continue
                against = base[base["implementation"] == first]
            else:
                against = base[base["implementation"] == name]
            yield {
                **dict(zip(("library", "operation", "dtype"), about, strict=True)),
                "implementation": name,
                "setting": setting,
                "way": way,
                "against": against["implementation"].iloc[0] if len(against) else "",
                **_counted(against, other),
            }


def _counted(against: pd.DataFrame, other: pd.DataFrame) -> dict[str, Any]:
    by_recipe = against.set_index(["family", "n"])["bits"]
    rows, different, where = 0, 0, []
    for family, n, bits in zip(other["family"], other["n"], other["bits"], strict=True):
        if (family, n) not in by_recipe.index:
            continue
        pairs = list(zip(by_recipe[(family, n)].split(), bits.split(), strict=True))
        changed = sum(one != two for one, two in pairs)
        rows, different = rows + len(pairs), different + changed
        where += [f"{family} {changed}/{len(pairs)}"] * bool(changed)
    return {"rows": rows, "different": different, "where": ", ".join(where)}


def about(units: Sequence[Unit], failed: dict[str, str], date: str) -> dict[str, Any]:
    """survey.json: versions, processor, settings, and what could not be measured."""
    return {
        "schema": SCHEMA,
        "date": date,
        "failed": failed,
        "machine": _common(units, ("python", "platform", "processor", "cores", "simd")),
        "libraries": {
            library: _about_library([unit for unit in units if unit["library"] == library])
            for library in dict.fromkeys(unit["library"] for unit in units)
        },
        "seconds": round(sum(unit["seconds"] for unit in units), 1),
        "units": len(units),
    }


def _common(units: Sequence[Unit], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: units[0]["environment"][name] for name in names}


def _about_library(units: Sequence[Unit]) -> dict[str, Any]:
    return {
        "version": units[0]["version"],
        "numpy": units[0]["environment"]["packages"].get("numpy", ""),
        "settings": {unit["setting"]: unit["settings"] for unit in units},
        "device": units[0].get("device", {}),
        "seconds": round(sum(unit["seconds"] for unit in units), 1),
    }


def write(found: dict[str, pd.DataFrame], told: dict[str, Any], folder: Path) -> None:
    """Write the tables and survey.json into a folder."""
    for name, table in found.items():
        table.to_csv(folder / f"{name}.csv", index=False, lineterminator="\n")
    text = json.dumps(told, indent=1, ensure_ascii=False) + "\n"
    (folder / "survey.json").write_text(text, encoding="utf-8")
