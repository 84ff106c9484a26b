"""Times of calls taken here and now, by asv's own runner: no clone, nothing to configure.

Each implementation is called in processes of its own, since a library may change how the whole
process computes. A round goes through all lengths and dtypes, and at each through all
implementations, so that what changes the speed of the machine meets all alike; each round has
fresh processes, since a process keeps its layout of memory.
"""

from __future__ import annotations

import importlib.util
import itertools
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from softmax_implementations.registry import declared

from softmax_harness.ground.adapters import set_environment
from softmax_harness.ground.environment import usable_cores
from softmax_harness.ground.errors import HarnessError
from softmax_harness.operations import DEFAULT_OPERATION, operation_named
from softmax_harness.subjects.adapted import Adapted
from softmax_harness.subjects.catalogue import catalogue
from softmax_harness.subjects.convention import Convention
from softmax_harness.subjects.declaration import Said
from softmax_harness.subjects.native.library import function_of, names_symbol
from softmax_harness.subjects.specification import is_foreign, loaded
from softmax_harness.timing.suite import LENGTHS, Softmax
from softmax_harness.timing.tables import TIMINGS, ns_per_element
from softmax_harness.timing.worker import Side, Worker

if TYPE_CHECKING:
    import pandas as pd

_NOTHING = Said()
Progress = Callable[[str, int, int], None]
Call = tuple[str, str, int]
"""An implementation, a dtype and n: what `softmax_harness.timing.suite` times at once."""

# In four rounds 3 pairs of twins of 4200 were ranked, in two 217 of 5880: see
# harness/benchmarks/twins.py.
ROUNDS = 4
# A sample is the mean of the calls that fit into its time: so short that few samples meet what
# other processes do to caches and memory for some milliseconds. repeat is (least, most, seconds).
_SAMPLING = {"sample_time": 0.0005, "repeat": (3, 30, 0.02), "warmup_time": 0.01}
# Start-up and compilation are no part of a call's time, nor is the batch: asv_runner would take a
# long first call for the time of all, and put a single one into each sample.
_FIRST_CALL = {"number": 1, "repeat": 1, "warmup_time": 0}
_SUITE = Path(__file__).with_name("in_process") / "softmax_harness_timed"
_WANTED = "SOFTMAX_HARNESS_TIMED"  # the variable by which a process knows what it is to time


def check_runner() -> None:
    """Refuse to time where asv's runner is not installed."""
    if importlib.util.find_spec("asv_runner") is None:
        raise HarnessError(
            "calls are timed by asv's runner, and asv_runner is not installed: "
            "pip install 'softmax-harness[asv]'"
        )


def callable_named(name: str, operation: str, said: Said) -> Softmax | Adapted:
    """The implementation of that name, loaded in this process and called along the last axis."""
    set_environment()  # several libraries share a device
    convention = said.convention(name, operation)
    if names_symbol(name):
        return convention.adapted(function_of(name))
    function = loaded(name) if is_foreign(name) else catalogue(operation)[name].function
    own = Convention.of(declared(function))
    along = partial(function, axis=-1) if operation_named(operation).has_axis else function
    return (convention if own.arrays is None else own).adapted(along)


def wanted_here() -> dict[str, Any]:
    """What this process of `time_calls` is asked for: arguments of `suite`, and what is said."""
    found: dict[str, Any] = json.loads(os.environ[_WANTED])
    return found | {"said": Said(**found["said"])}


def time_calls(
    wanted: Mapping[str, Iterable[str]],
    progress: Progress,
    operation: str = DEFAULT_OPERATION,
    said: Said = _NOTHING,
) -> pd.DataFrame:
    """Time each implementation in each of its dtypes, on rows of each of the suite's lengths.

    Parameters
    ----------
    wanted : mapping of str to iterable of str
        Dtypes by the name of an implementation, in every way that can name one.
    progress : callable
        Called with what is done, timings done, and timings in all.
    operation : str
        What they compute.
    said : Said
        What was said about the implementations.

    Returns
    -------
    DataFrame
        `softmax_harness.timing.tables.TIMINGS`; median and quartiles are those of all samples of
        all rounds. A call that fails is not repeated, and has a ``failure`` instead of times.
    """
    import pandas as pd

    check_runner()
    dtypes = list(dict.fromkeys(dtype for own in wanted.values() for dtype in own))
    requests = _requests(list(wanted), dtypes)
    calls = [each for each in requests if each[1] in tuple(wanted[each[0]])]
    samples: dict[Call, list[float]] = {call: [] for call in calls}
    failures: dict[Call, str] = {}
    own = {
        "names": list(wanted),
        "dtypes": dtypes,
        "lengths": LENGTHS,
        "operation": operation,
        "said": vars(said),
    }
    side = Side("this Python", Path(sys.executable), _SUITE, {_WANTED: json.dumps(own)})
    for number in range(ROUNDS):
        for call, answer in _round(side, number, calls, requests, failures, progress):
            if "samples" in answer:
                samples[call] += answer["samples"]
            else:
                failures[call] = answer.get("error") or answer["skipped"]
    rows = [_row(call, operation, samples[call], failures.get(call, "")) for call in calls]
    table = pd.DataFrame(rows, columns=list(TIMINGS))
    return table.sort_values(list(TIMINGS[:4]), ignore_index=True)


def _requests(names: list[str], dtypes: list[str]) -> dict[Call, dict[str, Any]]:
    """What the runner is to be asked for each call; asv counts the choices of all parameters."""
    choices = itertools.product(names, dtypes, LENGTHS)
    name = "timed.Softmax.time_softmax"
    return {choice: {"name": name, "index": index} for index, choice in enumerate(choices)}


def _round(
    side: Side,
    number: int,
    calls: list[Call],
    requests: Mapping[Call, dict[str, Any]],
    failures: Mapping[Call, str],
    progress: Progress,
) -> Iterator[tuple[Call, dict[str, Any]]]:
    """Time each call once, in fresh processes; what has failed is left out."""
    turns = _in_turns(calls, backwards=number % 2 == 1)
    firsts = {call[0]: call for call in reversed(turns) if call not in failures}
    with ExitStack() as held:
        workers = {name: held.enter_context(Worker(side)) for name in firsts}
        failed: dict[Call, dict[str, Any]] = {}
        for place, call in enumerate(turns):
            done, total = number * len(calls) + place, ROUNDS * len(calls)
            progress(f"timing, round {number + 1} of {ROUNDS}", done, total)
            if place == 0:
                failed = _begun(workers, firsts, requests)
            if call not in failures:
                yield call, failed.get(call) or _answer(workers[call[0]], requests[call])


def _begun(
    workers: Mapping[str, Worker],
    firsts: Mapping[str, Call],
    requests: Mapping[Call, dict[str, Any]],
) -> dict[Call, dict[str, Any]]:
    """Have each import what it times, before anything is timed; the first calls that failed.

    As many do so at once as there are cores, since it takes about as long as all samples.
    """
    names, at_once = list(workers), usable_cores()
    failed: dict[Call, dict[str, Any]] = {}
    for start in range(0, len(names), at_once):
        some = names[start : start + at_once]
        for name in some:
            workers[name].send(requests[firsts[name]] | {"sampling": _FIRST_CALL})
        answers = {firsts[name]: workers[name].receive() for name in some}
        failed |= {call: each for call, each in answers.items() if "samples" not in each}
    return failed


def _in_turns(calls: list[Call], backwards: bool) -> list[Call]:
    """Implementations side by side at each dtype and n, each first as often as last."""
    ordered = reversed(calls) if backwards else calls
    return sorted(ordered, key=lambda call: call[1:])  # which keeps the order among equals


def _answer(worker: Worker, request: dict[str, Any]) -> dict[str, Any]:
    first = worker.ask(request | {"sampling": _FIRST_CALL})
    if "samples" not in first:
        return first
    return worker.ask(request | {"sampling": _SAMPLING})


def _row(call: Call, operation: str, samples: list[float], failure: str) -> dict[str, Any]:
    name, dtype, n = call
    quartiles = [float("nan")] * 3 if failure else np.quantile(samples, (0.25, 0.5, 0.75)).tolist()
    return {
        "operation": operation,
        "implementation": name,
        "dtype": dtype,
        "n": n,
        "seconds_median": quartiles[1],
        "seconds_q25": quartiles[0],
        "seconds_q75": quartiles[2],
        "ns_per_element": ns_per_element(quartiles[1], n, operation),
        "repeats": 0 if failure else len(samples),
        "failure": " ".join(failure.split())[:200],
    }
