"""What asv has stored, read by asv: one result for each choice of a benchmark's parameters."""

from __future__ import annotations

import importlib
import itertools
import math
from ast import literal_eval
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from softmax_harness.ground.errors import BadFolder, HarnessError
from softmax_harness.timing.suite import AXES, VERSIONS


@dataclass(frozen=True)
class StoredResult:
    """One benchmark at one choice of its parameters, on one commit and machine.

    Attributes
    ----------
    suite : str
        File and class of the benchmark.
    benchmark : str
        A name in `softmax_harness.timing.suite.AXES`.
    parameters : dict
        Its parameters by name.
    value : float
        Median seconds, bytes or ulp; NaN where the benchmark failed.
    statistics : dict
        asv's ``q_25``, ``q_75``, ``repeat`` and ``number`` of a time; else empty.
    samples : tuple of float
        Seconds of each sample, where asv was told to record them.
    commit, machine : str
        The whole hash, and asv's name of the machine.
    date, started : int
        When the commit was written and when the benchmark ran, in ms since 1970, UTC.
    """

    suite: str
    benchmark: str
    parameters: dict[str, Any]
    value: float
    statistics: dict[str, Any]
    samples: tuple[float, ...]
    commit: str
    machine: str
    date: int
    started: int


def stored_cells(where: Path) -> Iterator[StoredResult]:
    """The results of `softmax_harness.timing.suite` for this machine; none for what asv skipped.

    Results of another version of the benchmarks are left out, since they measured something else.

    Parameters
    ----------
    where : Path
        asv's configuration file, or its folder of results; one that does not exist holds none.

    Raises
    ------
    BadFolder
        Where a configuration is named that does not exist.
    HarnessError
        Where there are results but no asv to read them.
    """
    folder = results_folder(where)
    if not folder.is_dir():
        return
    for result in _asv("results").iter_results_for_machine(str(folder), this_machine()):
        for key in result.get_all_result_keys():
            suite, _, benchmark = key.rpartition(".")
            if VERSIONS.get(benchmark) == result.benchmark_version.get(key):
                yield from _cells(result, key, suite, benchmark)


def results_folder(where: Path) -> Path:
    """The folder of results that `where` means: itself, or the one its configuration names."""
    if where.suffix not in (".json", ".jsonc"):
        return where
    if not where.is_file():
        raise BadFolder(f"{where} does not exist: expected asv's configuration or its results")
    return where.parent / str(_asv("config").Config.load(str(where)).results_dir)


def this_machine() -> str:
    """asv's name of this machine: the one that ``asv machine`` stored, else the host's."""
    machine = _asv("machine")
    host: str = machine.Machine.get_unique_machine_name()
    try:
        return str(machine.MachineCollection.load(host)["machine"])
    except _asv("util").UserError:
        return host


def _cells(result: Any, key: str, suite: str, benchmark: str) -> Iterator[StoredResult]:
    axes = result.get_result_params(key)
    columns = (result.get_result_value, result.get_result_stats, result.get_result_samples)
    rows = zip(itertools.product(*axes), *(column(key, axes) for column in columns), strict=True)
    for values, value, statistics, samples in rows:
        if value is not None and math.isnan(value):
            continue  # asv's mark of what was skipped; None is its mark of a failure
        yield StoredResult(
            suite,
            benchmark,
            dict(zip(AXES[benchmark], map(literal_eval, values), strict=True)),
            math.nan if value is None else value,
            statistics or {},
            tuple(samples or ()),
            result.commit_hash,
            result.params["machine"],
            result.date,
            result.started_at.get(key) or 0,
        )


def _asv(module: str) -> Any:
    # Imported here: an extra of this distribution, and only needed where there are results.
    try:
        return importlib.import_module(f"asv.{module}")
    except ModuleNotFoundError as error:
        raise HarnessError(
            f"timings are read by asv, and {error.name} is not installed: "
            "pip install 'softmax-harness[asv]'"
        ) from None
