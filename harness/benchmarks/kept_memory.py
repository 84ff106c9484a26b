"""Are the report's ratios of times right? The same calls by plain loops, in kept memory.

``python harness/benchmarks/kept_memory.py`` prints `wide` over `max-shifted` as ``run --time`` has
it and as loops around time.perf_counter have it. The loops take turns in one process. Each turn
repeats a call; the first is not counted, since the other implementation had the caches. Of all
calls the fastest counts, as the one that was disturbed least.
"""

import time

import numpy as np
from softmax_harness.ground.formats import FORMATS
from softmax_harness.ground.memory import keep_freed_memory
from softmax_harness.timing.calls import time_calls
from softmax_harness.timing.suite import LENGTHS, batch, timed_rows
from softmax_implementations import implementations

NAMES = ("wide", "max-shifted")
DTYPES = [name for name, format in FORMATS.items() if format.is_default and not format.is_narrow]
TURNS, CALLS = 15, 10
ALLOWED = 0.15


def plain_seconds(dtype, n):
    """The least seconds of a call of each, in turns."""
    x = batch(FORMATS[dtype], timed_rows(n), n)
    functions = [implementations()[name].function for name in NAMES]
    least = [np.inf] * len(functions)
    for _ in range(TURNS):
        for place, function in enumerate(functions):
            function(x, axis=-1)
            for _ in range(CALLS):
                start = time.perf_counter()
                function(x, axis=-1)
                least[place] = min(least[place], time.perf_counter() - start)
    return least


def lines():
    """A line for each dtype and n."""
    keep_freed_memory()
    timed = time_calls(dict.fromkeys(NAMES, DTYPES), lambda *progress: None)
    timed = timed.set_index(["implementation", "dtype", "n"])
    of, to = NAMES
    yield f"| dtype | n | run --time: {of} / {to} | interval | plain loops | differ by |"
    yield "|---|---:|---:|---:|---:|---:|"
    for dtype in DTYPES:
        for n in LENGTHS:
            of, to = (timed.loc[(name, dtype, n)] for name in NAMES)
            seconds = plain_seconds(dtype, n)
            plain = seconds[0] / seconds[1]
            yield line(dtype, n, of, to, plain)


def line(dtype, n, of, to, plain):
    """Both ratios, and whether they agree; what overlaps is not ranked and so cannot disagree."""
    ratio = of["seconds_median"] / to["seconds_median"]
    low, high = of["seconds_q25"] / to["seconds_q75"], of["seconds_q75"] / to["seconds_q25"]
    differ = f"{100 * (ratio / plain - 1):+.0f} %"
    if low <= 1 <= high:
        differ += ", too noisy to rank"
    elif abs(ratio / plain - 1) > ALLOWED:
        differ += f", more than {ALLOWED:.0%}"
    return f"| {dtype} | {n} | {ratio:.2f} | {low:.2f} to {high:.2f} | {plain:.2f} | {differ} |"


if __name__ == "__main__":
    for text in lines():
        print(text, flush=True)
