"""Which benchmarks a side has, by the names that asv gives them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from softmax_harness.ground.errors import HarnessError
from softmax_harness.timing.worker import Worker

# What `softmax_harness.timing.suite` makes, less peakmem_softmax: peak memory is the whole
# process's, and would need a process for each number.
OF_SUITE = r"[.](time_softmax|track_max_ulp)\b"
_ERROR_UNIT = "ulp"


@dataclass(frozen=True)
class Benchmark:
    """One benchmark at one choice of its parameters.

    Attributes
    ----------
    name : str
        As asv writes it: ``file.Class.method('first', 'second')``.
    is_time : bool
        Whether it gives seconds; else it gives an error in ulp, which is exact.
    request : dict
        What the runner is to be asked for it.
    """

    name: str
    is_time: bool
    request: dict[str, Any]


def benchmarks_of(worker: Worker, pattern: str) -> dict[str, Benchmark]:
    """Times, and errors in ulp, whose name `pattern` is found in.

    Two revisions are matched by these names and not by the place of a parameter in its list,
    which another version may have changed.

    Raises
    ------
    HarnessError
        Where `pattern` is no regular expression, or the benchmarks cannot be imported.
    """
    try:
        wanted = re.compile(pattern)
    except re.error as error:
        raise HarnessError(f"--bench {pattern!r} is not a regular expression: {error}") from None
    found = [
        each
        for listed in worker.listed()
        if listed["type"] == "time" or listed["unit"] == _ERROR_UNIT
        for each in _choices(listed)
    ]
    return {each.name: each for each in found if wanted.search(each.name)}


def _choices(listed: dict[str, Any]) -> list[Benchmark]:
    name, is_time = listed["name"], listed["type"] == "time"
    if not listed["choices"]:
        return [Benchmark(name, is_time, {"name": name, "index": None})]
    return [
        Benchmark(f"{name}({', '.join(choice)})", is_time, {"name": name, "index": index})
        for index, choice in enumerate(listed["choices"])
    ]
