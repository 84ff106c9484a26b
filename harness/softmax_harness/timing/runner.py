"""The program that runs single benchmarks in an environment of asv's, and answers in JSON lines.

It is started by that environment's Python, which has asv_runner and what is timed, but nothing of
this distribution besides the judge that the benchmarks import: so it imports nothing of ours.

A request is ``{"list": true}`` or ``{"name": ..., "index": ...}``, see `list_all` and `outcome`;
``"sampling"`` beside these takes the place of `_SAMPLING`.
"""

from __future__ import annotations

import ctypes
import itertools
import json
import math
import os
import signal
import sys
import time
import timeit
from typing import Any

from asv_runner._aux import update_sys_path
from asv_runner.benchmarks.mark import SkipNotImplemented
from asv_runner.discovery import disc_benchmarks, get_benchmark_from_name

# Minima are what counts for bench, and what disturbs a sample only lengthens it: many short samples
# find a quiet moment where asv's few long ones, made for medians, each contain an interruption.
# repeat is (least, most, seconds). How often bench is wrong was measured by wall time.
_SAMPLING = {
    "sample_time": 0.001,
    "repeat": (3, 60, 0.06),
    "warmup_time": 0.01,
    "timer": timeit.default_timer,
}

_PR_SET_PDEATHSIG = 1  # prctl(2): the signal to get when the thread that started this one ends
_SECONDS_BETWEEN_LOOKS = 0.5
_caches: dict[str, Any] = {}


def main() -> None:
    """Answer every line of standard input, until it ends."""
    end_with_parent()
    root = sys.argv[1]
    update_sys_path(root)
    # What benchmarks print must not come between the answers.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = list_all(root) if "list" in request else outcome(root, request)
        except SkipNotImplemented as skipped:
            answer = {"skipped": str(skipped)}
        except BaseException as error:  # noqa: BLE001 - whatever a benchmark raises is its result
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=answers, flush=True)


def end_with_parent() -> None:
    """Whoever is killed cannot end this process, which may be in a long call; Linux can.

    What a kernel has started is of its group, which a process ends that waits for its parent's end.
    """
    if sys.platform != "linux":
        return
    parent, group = os.getppid(), os.getpid()
    if os.getpgrp() == group and os.fork() == 0:
        os.closerange(0, 3)  # by which the parent knows that this process lives
        while os.getppid() == group and _is_there(parent):
            time.sleep(_SECONDS_BETWEEN_LOOKS)
        os.killpg(group, signal.SIGKILL)
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def list_all(root: str) -> dict[str, Any]:
    """Every benchmark with its type, unit, and the choices of its parameters as text, in order."""
    return {
        "benchmarks": [
            {
                "name": benchmark.name,
                "type": benchmark.type,
                "unit": getattr(benchmark, "unit", ""),
                "choices": list(itertools.product(*benchmark.params)) if benchmark.params else [],
            }
            for benchmark in disc_benchmarks(root)
        ]
    }


def outcome(root: str, request: dict[str, Any]) -> dict[str, Any]:
    """The least seconds of a call in this process and all samples; or what is tracked."""
    sampling = request.get("sampling", _SAMPLING)
    benchmark = get_benchmark_from_name(root, request["name"], sampling)
    if request["index"] is not None:
        benchmark.set_param_idx(request["index"])
    if benchmark.setup_cache_key is not None:
        key = benchmark.setup_cache_key
        if key not in _caches:
            _caches[key] = benchmark.do_setup_cache()
        benchmark.set_cache(_caches[key])
    if benchmark.do_setup():
        return {"skipped": "setup raised NotImplementedError"}
    try:
        measured = benchmark.do_run()
    finally:
        benchmark.do_teardown()
    more = {}
    if benchmark.type == "time" and measured is not None:
        more = {"samples": measured["samples"]}
        measured = min(measured["samples"])
    if measured is None or math.isnan(measured):
        return {"skipped": "gave no number"}
    # JSON has no infinity; a float's own text comes back as the same float.
    return {"value": repr(float(measured)), **more}


if __name__ == "__main__":
    main()
