"""The processor time of `check` for one implementation in one dtype, beyond that of a start-up.

``python harness/benchmarks/checking.py`` prints the table of every operation and dtype, of those
that are named alone: ``python harness/benchmarks/checking.py softmax gradient``. asv tracks it.
What the processes of the implementation take is counted too. The start-up is ``softmax-harness
list``. An implementation is given as much time as it needs, so that a busy machine, on which it
seems slow, takes nothing from what is judged.
"""

import inspect
import os
import resource
import subprocess
import sys
from functools import cache
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(_ROOT / name) for name in ("implementations", "harness")]

from softmax_harness.ground.formats import FORMATS
from softmax_harness.operations import OPERATIONS
from softmax_harness.subjects.declaration import spelt_out
from softmax_implementations import implementations
from softmax_implementations.registry import ExpectedFinding

_PROGRAM = f"import sys; sys.path[:0] = {sys.path!r}; from softmax_harness.cli import main; main()"
_AS_LONG_AS_NEEDED = ("--time-limit", "1000")
_REPEATS = 3


def processor_seconds(*words):
    """The least of a few runs of the command, that of all its processes together."""
    found = []
    for _ in range(_REPEATS):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run([sys.executable, "-c", _PROGRAM, *words], capture_output=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if done.returncode > 1:  # 1 is a verdict
            raise RuntimeError(done.stderr.decode())
        found.append(after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)
    return min(found)


def typical(operation, dtype):
    """The NumPy implementation of the operation that is most like a user's; None if none is.

    Of those with the fewest faults in the dtype, since a fault is made small, which takes as long
    as it takes, it is one that is held to what is usual, and the shortest.
    """
    found = [
        each
        for each in implementations(operation).values()
        if each.library is None and dtype in spelt_out(each).dtypes
    ]

    def unlike(each):
        known = map(ExpectedFinding.parse, each.expected_findings)
        faults = sum(fault.dtype in (None, dtype) for fault in known)
        return faults, each.standard == "wide", len(inspect.getsource(each.function))

    return min(found, key=unlike).name if found else None


@cache
def start_up_seconds():
    """Of the shortest command."""
    return processor_seconds("list")


def seconds(operation, dtype):
    """Of a check beyond a start-up; None where there is no implementation in the dtype."""
    name = typical(operation, dtype)
    if name is None:
        return None
    words = ("check", name, "--operation", operation, "--dtype", dtype, *_AS_LONG_AS_NEEDED)
    return processor_seconds(*words) - start_up_seconds()


class Check:
    """The whole suite of every operation in every dtype."""

    timeout = 600
    params = (list(OPERATIONS), list(FORMATS))
    param_names = ("operation", "dtype")
    unit = "seconds of the processor"

    def track_beyond_start_up(self, operation, dtype):
        """Seconds; not a number where there is no implementation."""
        found = seconds(operation, dtype)
        return float("nan") if found is None else found


def table(operations=()):
    """The lines of the table, of all operations where none are named."""
    yield f"| `check` of one operation in | {' | '.join(FORMATS)} |"
    yield "|---|" + "---:|" * len(FORMATS)
    for operation in operations or OPERATIONS:
        found = [seconds(operation, dtype) for dtype in FORMATS]
        yield f"| {operation} | {' | '.join('' if s is None else f'{s:.1f}' for s in found)} |"


if __name__ == "__main__":
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as in every command that judges
    for line in table(sys.argv[1:]):
        print(line, flush=True)
