"""Reads and writes a run on disk: run.json, results.csv and the other tables."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from softmax_harness.ground.documents.as_json import json_text
from softmax_harness.ground.errors import BadFolder
from softmax_harness.ground.manifest import MANIFEST
from softmax_harness.judgement.metrics import METRICS
from softmax_harness.judgement.outcomes import OUTCOMES
from softmax_harness.run.experiments import EXPERIMENTS

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
    "witnesses",
    *EXPERIMENTS,
    "timings",
    "history",
)


# Before 3.1 pandas missed a float by an ulp now and then, unless it was asked not to.
_EXACTLY: dict[str, Any] = (
    {"float_precision": "round_trip"}
    if tuple(map(int, pd.__version__.split(".")[:2])) < (3, 1)
    else {}
)
# What a run writes, as far as that is known before it is made.
FILES = (MANIFEST, "report.html", "report.md", *(f"{name}.csv" for name in TABLES))


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
        """What was measured of one operation.

        Of a table that does not tell operations apart, such as that of an experiment, all.
        """
        chosen = {
            name: table[table["operation"] == operation] if "operation" in table else table
            for name, table in self.tables.items()
        }
        return Run(self.info, {name: table for name, table in chosen.items() if len(table)})

    @property
    def results(self) -> pd.DataFrame:
        """One row per operation, implementation, dtype, family and n; columns `COLUMNS`."""
        return self.tables["results"]


def with_counts(table: pd.DataFrame) -> pd.DataFrame:
    """results.csv, whose counts stay whole numbers beside operations that have none of them."""
    counted = [each.name for each in METRICS if each.combine == "sum" and each.name in COLUMNS]
    return table.astype(dict.fromkeys(counted, "Int64"))


def write(run: Run, folder: Path) -> None:
    """Write a .csv for each table, with floats that read back, and run.json with their digests."""
    for name, table in run.tables.items():
        table.to_csv(folder / f"{name}.csv", index=False, lineterminator="\n")
    digests = {name: _digest(folder / f"{name}.csv") for name in run.tables}
    text = json_text(run.info | {"sha256": digests})
    (folder / MANIFEST).write_text(text, encoding="utf-8")


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def read(folder: Path) -> Run:
    """The run in `folder`.

    Raises
    ------
    BadFolder
        If there is none, or one of another schema, or one whose files are not as they were written.
    """
    path = folder / MANIFEST
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
        read_csv = partial(pd.read_csv, **_EXACTLY)
        tables = {name: read_csv(folder / f"{name}.csv") for name in digests}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadFolder(f"{folder}: the run cannot be read ({error}); make it again") from None
    missing = [name for name in COLUMNS if name not in tables.get("results", pd.DataFrame())]
    if missing:
        raise BadFolder(f"{folder}: results.csv lacks {', '.join(missing)}; make the run again")
    return Run(info, tables)


def copy(folder: Path, fresh: Path) -> None:
    """Copy the run in `folder`, without its report, to `fresh`."""
    shutil.copy2(folder / MANIFEST, fresh / MANIFEST)
    for name in json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["sha256"]:
        shutil.copy2(folder / f"{name}.csv", fresh / f"{name}.csv")
