"""How fast is the recommendation? `accurate` and `accurate-numba` against SciPy, 1000 rows of 1000.

``python harness/benchmarks/recommended.py`` prints their times as multiples of that of
``scipy.special.softmax``, in every format that SciPy takes, in memory that is kept. The three take
turns in one process. A turn repeats a call. Its first is not counted, since another implementation
had the caches; of the others the fastest counts. The median over turns stands with its quartiles.
It exits with 1 where a median is above what is promised. `accurate-numba` needs numba.
"""

import sys
import time

import numpy as np
from softmax_harness.ground.formats import FORMATS
from softmax_harness.ground.memory import keep_freed_memory
from softmax_harness.timing.suite import batch
from softmax_implementations import implementations
from softmax_implementations.registry import LIBRARY_DTYPES

NAMES, AGAINST = ("accurate", "accurate-numba"), "scipy"
PROMISED = {
    "accurate": dict.fromkeys(LIBRARY_DTYPES, 1.0) | {"float32": 2.5, "float64": 6.0},
    "accurate-numba": dict.fromkeys(LIBRARY_DTYPES, 1.0),
}
ROWS = N = 1000
TURNS, CALLS = 31, 4


def fastest(function, x):
    """The least seconds of a call of a turn."""
    least = np.inf
    for number in range(1 + CALLS):
        start = time.perf_counter()
        function(x, axis=-1)
        if number:
            least = min(least, time.perf_counter() - start)
    return least


def ratios(names, dtype):
    """Multiples of SciPy's time, by name, one of each turn."""
    x = batch(FORMATS[dtype], ROWS, N)
    called = {name: implementations()[name].function for name in (AGAINST, *names)}
    found = {name: [] for name in names}
    for _ in range(TURNS):
        seconds = {name: fastest(function, x) for name, function in called.items()}
        for name in names:
            found[name].append(seconds[name] / seconds[AGAINST])
    return found


def main():
    """Print the table."""
    keep_freed_memory()
    there = [name for name in NAMES if not implementations()[name].unavailable]
    above = 0
    print(
        "| implementation | dtype | times scipy | quartiles | at most |\n|---|---|---:|---:|---:|"
    )
    for dtype in LIBRARY_DTYPES:
        for name, own in ratios(there, dtype).items():
            low, median, high = np.quantile(own, (0.25, 0.5, 0.75))
            promised = PROMISED[name][dtype]
            is_above = bool(median > promised)
            above += is_above
            told = f"| {name} | {dtype} | {median:.2f} | {low:.2f} to {high:.2f} | {promised:g} |"
            print(told + " **above**" * is_above, flush=True)
    sys.exit(1 if above else 0)


if __name__ == "__main__":
    main()
