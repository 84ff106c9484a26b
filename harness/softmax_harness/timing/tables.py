"""asv's results as tables: the newest timings, and the history of speed and error."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from softmax_harness.operations import parted
from softmax_harness.timing.stored import StoredResult, stored_cells
from softmax_harness.timing.suite import timed_rows

if TYPE_CHECKING:
    import pandas as pd

# pandas is imported by the functions that need it: asv imports this package anew for each
# benchmark, and what it imports counts into the peak memory.

TIMINGS = (
    "operation",
    "implementation",
    "dtype",
    "n",
    "seconds_median",
    "seconds_q25",
    "seconds_q75",
    "ns_per_element",
    "repeats",
    "commit",
    "machine",
    "failure",
)
HISTORY = (
    "date",
    "commit",
    "machine",
    "measure",
    "operation",
    "implementation",
    "dtype",
    "n",
    "family",
    "value",
)
MEASURES = {"time_softmax": "ns_per_element", "track_max_ulp": "max_ulp"}


def read_timings(where: Path, commit: str | None = None) -> pd.DataFrame:
    """The newest times of a call on this machine, by operation, implementation, dtype and n.

    Parameters
    ----------
    where : Path
        asv's configuration file, or its folder of results; empty where nothing was timed.
    commit : str, optional
        The beginning of a hash; by default the commit that was timed last.

    Returns
    -------
    DataFrame
        `TIMINGS`. A call has `softmax_harness.timing.suite.timed_rows` rows of n logits; seconds
        are of a call, NaN where the benchmark failed, which ``failure`` then says; ``repeats``
        counts the samples.

    Raises
    ------
    BadFolder, HarnessError
        As `softmax_harness.timing.stored.stored_cells`.
    """
    import pandas as pd

    timed = [
        cell
        for cell in stored_cells(where)
        if cell.benchmark == "time_softmax" and cell.commit.startswith(commit or "")
    ]
    if timed:
        last = max(timed, key=lambda cell: cell.started).commit
        timed = _newest_runs(cell for cell in timed if cell.commit == last)
    table = pd.DataFrame([_timing(cell) for cell in timed], columns=list(TIMINGS))
    return table.sort_values(list(TIMINGS[:4]), ignore_index=True)


def read_history(where: Path) -> pd.DataFrame:
    """Speed and error of every commit that was measured on this machine, oldest first.

    Returns
    -------
    DataFrame
        `HISTORY`, one row for each commit and cell. ``date`` is the commit's, in UTC; ``measure``
        is a value of `MEASURES`, with its cell in ``n`` for times and in ``family`` for errors;
        ``value`` is infinite where a finite result came out infinite or NaN, and NaN where the
        benchmark failed.

    Raises
    ------
    BadFolder, HarnessError
        As `softmax_harness.timing.stored.stored_cells`.
    """
    import pandas as pd

    measured = _newest_runs(cell for cell in stored_cells(where) if cell.benchmark in MEASURES)
    table = pd.DataFrame([_moment(cell) for cell in measured], columns=list(HISTORY))
    table["date"] = pd.to_datetime(table["date"], unit="ms", utc=True)
    table["n"] = table["n"].astype("Int64")
    keys = ["date", "commit", "measure", "operation", "implementation", "dtype", "n", "family"]
    return table.sort_values(keys, ignore_index=True)


def _newest_runs(cells: Iterable[StoredResult]) -> list[StoredResult]:
    """The last run of each suite's benchmark on each commit; older runs do not fill it up."""
    runs: dict[tuple[str, ...], list[StoredResult]] = {}
    for cell in sorted(cells, key=lambda cell: cell.started):
        run = runs.setdefault((cell.suite, cell.benchmark, cell.commit), [])
        if run and run[-1].started < cell.started:
            run.clear()
        run.append(cell)
    return [cell for run in runs.values() for cell in run]


def ns_per_element(seconds: float, n: int, operation: str) -> float:
    """Nanoseconds a logit, of a timed call of so many seconds whose rows have n logits."""
    return 1e9 * seconds / float(timed_rows(n, operation) * n)


def _parameters(cell: StoredResult) -> dict[str, Any]:
    """Its parameters, with the operation apart from the name."""
    operation, name = parted(cell.parameters["implementation"])
    return cell.parameters | {"operation": operation, "implementation": name}


def _timing(cell: StoredResult) -> dict[str, Any]:
    statistics, own = cell.statistics, _parameters(cell)
    return own | {
        "seconds_median": cell.value,
        "seconds_q25": statistics.get("q_25"),
        "seconds_q75": statistics.get("q_75"),
        "ns_per_element": ns_per_element(cell.value, own["n"], own["operation"]),
        "repeats": statistics.get("repeat", 0),
        "commit": cell.commit,
        "machine": cell.machine,
        "failure": "asv tells how it failed" if math.isnan(cell.value) else "",
    }


def _moment(cell: StoredResult) -> dict[str, Any]:
    own = _parameters(cell)
    n = own.get("n")
    value = cell.value if n is None else ns_per_element(cell.value, n, own["operation"])
    return own | {
        "date": cell.date,
        "commit": cell.commit,
        "machine": cell.machine,
        "measure": MEASURES[cell.benchmark],
        "value": value,
    }
