"""How fast the harness judges, and how that compares: with the plain mpmath loop, with scipy.

``python harness/benchmarks/judging.py`` prints the table of the README; asv runs the classes.
Ratios are of times taken in one process, in turns, the fastest of a few each.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as in every command that judges

import numpy as np

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parents[1])]

import plain_attention
from plain_loop import largest_ulp_error
from shares import seconds_by_part
from softmax_harness.ground.formats import FORMATS
from softmax_harness.ground.memory import keep_freed_memory
from softmax_harness.judgement.metrics import ulp_error
from softmax_harness.operations import OPERATIONS, Problem
from softmax_harness.truth import exact_results

# scipy and what a run needs are imported where they are used: asv reads this file in environments
# that only time the softmaxes.
SOFTMAX = OPERATIONS["softmax"]
LENGTHS = (2, 8, 1000, 100_000)
BATCH = 1 << 17
LOOP_ELEMENTS = 2000
QUERIES, KEYS, HEAD = 128, 1000, 64  # of attention: scores of one head, and its dimension
SCORED = (10_000, 1000)
RUN_IMPLEMENTATIONS = ("max-shifted", "naive", "wide", "log-sum-exp", "shifted-log-sum-exp")
RUN_FAMILIES = ("normal-1", "normal-10", "normal-100", "masked", "rising", "ties")


def batch(dtype, n):
    """Logits of scale 3 in the dtype, as float64, and float64 outputs rounded to it."""
    keep_freed_memory()  # as every command that judges does
    format, rows = FORMATS[dtype], max(1, BATCH // n)
    rng = np.random.default_rng(0)
    x = (3 * rng.standard_normal((rows, n))).astype(format.dtype).astype(float)
    exponentials = np.exp(x - x.max(axis=-1, keepdims=True))
    y = exponentials / exponentials.sum(axis=-1, keepdims=True)
    return x, y.astype(format.dtype).astype(float)


def scipy_softmax(x):
    """scipy.special.softmax of each row."""
    from scipy.special import softmax

    return softmax(x, axis=-1)


def make_run(implementations, families, **options):
    """A run of a few implementations, see `softmax_harness.run.make`."""
    from softmax_harness.ground.workers import workers
    from softmax_harness.run import make
    from softmax_harness.run.options import Options
    from softmax_harness.run.selection import select

    selection = select(Options(implementations, families=families, **options))
    with workers(selection.options.jobs) as executor:
        return make.make_run(selection, executor)


def seconds(function, repeats=7):
    """The fastest of a few calls."""
    best = float("inf")
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        best = min(best, time.perf_counter() - start)
    return best


def seconds_in_turns(functions, turns, calls=1):
    """The fastest call of each by its name; they take turns, so that all meet the same machine."""
    best = dict.fromkeys(functions, float("inf"))
    for _ in range(turns):
        for name, function in functions.items():
            best[name] = min(best[name], seconds(function, calls))
    return best


def screened_errors(x, y, dtype):
    """The errors in ulp of one batch, by the screen with what it leaves open."""
    return ulp_error(y, exact_results(Problem.of(SOFTMAX, FORMATS[dtype]), x).truth)


def loop(x, y, dtype):
    """The plain loop on the first rows of the same data, and how many elements these have."""
    format, rows = FORMATS[dtype], max(1, LOOP_ELEMENTS // x.shape[1])
    some, outputs = x[:rows, :LOOP_ELEMENTS].tolist(), y[:rows, :LOOP_ELEMENTS].tolist()
    count = len(some) * len(some[0])
    return lambda: largest_ulp_error(some, outputs, format.precision, format.emin), count


def loop_seconds(x, y, dtype):
    """Seconds an element of the plain loop."""
    function, count = loop(x, y, dtype)
    return seconds(function, 3) / count


def screen_ratio(dtype, n):
    """How many elements the screen judges while the plain loop judges one."""
    x, y = batch(dtype, n)
    function, count = loop(x, y, dtype)
    timed = {"loop": function, "screen": lambda: screened_errors(x, y, dtype)}
    best = seconds_in_turns(timed, 6, calls=3)  # the first call after another finds cold caches
    return best["loop"] / count / (best["screen"] / x.size)


def attention_batch(dtype):
    """Queries that share keys and values, views as the operation takes them, and outputs."""
    keep_freed_memory()
    rng, own = np.random.default_rng(0), FORMATS[dtype].dtype
    q = rng.standard_normal((QUERIES, 1, HEAD)).astype(own)
    k, v = rng.standard_normal((2, 1, KEYS, HEAD)).astype(own)
    exponentials = np.exp(q[:, 0].astype(float) @ k[0].astype(float).T / np.sqrt(HEAD))
    y = exponentials @ v[0].astype(float) / exponentials.sum(axis=-1, keepdims=True)
    shared = (np.broadcast_to(each, (QUERIES, KEYS, HEAD)) for each in (k, v))
    mask = np.broadcast_to(True, (QUERIES, 1, KEYS))
    return (q, *shared, mask), y.astype(own).astype(float)


def attention_ratio(dtype):
    """How many queries the screen of attention judges while the plain loop judges one."""
    (q, k, v, mask), y = attention_batch(dtype)
    format = FORMATS[dtype]
    problem, x = Problem.of(OPERATIONS["attention"], format), np.zeros((QUERIES, KEYS))
    few = [each.astype(float).tolist() for each in (q[0], k[0], v[0], y[:1])]
    timed = {
        "loop": lambda: plain_attention.largest_ulp_error(*few, format.precision, format.emin),
        "screen": lambda: ulp_error(y, exact_results(problem, x, (q, k, v, mask)).truth),
    }
    best = seconds_in_turns(timed, 3)
    return best["loop"] * QUERIES / best["screen"]


def command(folder, *words):
    """The command with these words, as it starts where it is installed: with its bytecode."""
    program = (
        f"import sys; sys.path[:0] = {sys.path!r}; from softmax_harness.cli import main; main()"
    )
    environment = os.environ | {"PYTHONPYCACHEPREFIX": str(folder / "bytecode")}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    words = [sys.executable, "-c", program, *map(str, words)]
    return lambda: subprocess.run(words, check=True, capture_output=True, env=environment)


def score_seconds(folder, shape, repeats=5):
    """Seconds of the command on two float64 files, of its start-up, of scipy and of the loop."""
    x = 3 * np.random.default_rng(0).standard_normal(shape)
    y = scipy_softmax(x)
    np.save(folder / "x.npy", x)
    np.save(folder / "y.npy", y)
    timed = {
        "score": command(folder, "score", folder / "x.npy", folder / "y.npy"),
        "start": command(folder, "score", "--help"),
        "scipy": lambda: scipy_softmax(x),
    }
    return seconds_in_turns(timed, repeats) | {"loop": loop_seconds(x, y, "float64") * x.size}


def run_seconds(jobs):
    """Seconds of a run of a few families of the standard suite in so many processes."""
    options = {"suite": "standard", "jobs": jobs}
    return seconds(lambda: make_run(RUN_IMPLEMENTATIONS, RUN_FAMILIES, **options), 1)


def whole_run_minutes():
    """Minutes of the whole command: every built-in implementation, report included."""
    with tempfile.TemporaryDirectory() as folder:
        words = ("run", "--suite", "standard", "--jobs", "2", "--asv", "none", "--out")
        return seconds(command(Path(folder), *words, Path(folder) / "run"), 1) / 60


class Screen:
    """The screen with its escalations, and the errors in ulp."""

    params = (list(FORMATS), list(LENGTHS))
    param_names = ("dtype", "n")
    version = f"{BATCH} elements, in kept memory"

    def time_screen(self, dtype, n):
        """asv's first call makes the batch, and is warm-up."""
        key = (dtype, n)
        if key not in _batches:
            _batches.clear()
            _batches[key] = batch(dtype, n)
        screened_errors(*_batches[key], dtype)

    def track_slowdown_to_loop(self, dtype, n):
        """Time of the screen over that of the plain loop; lower is better, as asv has it."""
        return 1 / screen_ratio(dtype, n)

    def track_slowdown_to_scipy(self, dtype, n):
        """Time of the screen over that of scipy.special.softmax in float64."""
        x, y = batch(dtype, n)
        screened_errors(x, y, dtype)
        own = seconds(lambda: screened_errors(x, y, dtype))
        return own / seconds(lambda: scipy_softmax(x))


_batches = {}


class Attention:
    """The screen of attention, with keys that all queries share."""

    params = list(FORMATS)
    param_names = ("dtype",)
    timeout = 300

    def track_slowdown_to_loop(self, dtype):
        """Time of the screen over that of the plain loop; lower is better, as asv has it."""
        return 1 / attention_ratio(dtype)


class Score:
    """The command on files of a million elements."""

    timeout = 300
    shape = (1000, 1000)

    def track_slowdown_to_loop(self):
        """Time of the command over that of the plain loop."""
        with tempfile.TemporaryDirectory() as folder:
            found = score_seconds(Path(folder), self.shape)
        return found["score"] / found["loop"]

    def track_slowdown_to_scipy(self):
        """Time of the command over that of a warm scipy.special.softmax."""
        with tempfile.TemporaryDirectory() as folder:
            found = score_seconds(Path(folder), self.shape)
        return found["score"] / found["scipy"]


class Run:
    """A run of one family of the quick suite in this process."""

    timeout = 300

    def time_run(self):
        """Truth, metrics and confirmation of one implementation."""
        make_run(("max-shifted",), ("normal-1",), dtypes=("float32",))

    def track_slowdown_to_loop(self):
        """Time of the run over that of the plain loop on as many elements."""
        own, elements = self._measured()
        x, y = batch("float32", 1000)
        return own / (loop_seconds(x, y, "float32") * elements)

    def track_slowdown_to_scipy(self):
        """Time of the run over that of scipy.special.softmax on as many elements."""
        own, elements = self._measured()
        x, _ = batch("float32", 1000)
        return own / (seconds(lambda: scipy_softmax(x)) / x.size * elements)

    def _measured(self):
        options = {"dtypes": ("float32",), "suite": "standard"}
        elements = make_run(("max-shifted",), ("normal-1",), **options).info["counts"]["elements"]
        own = seconds(lambda: make_run(("max-shifted",), ("normal-1",), **options), 2)
        return own, elements


def table():
    """The lines of the README's tables."""
    keep_freed_memory()  # as every command that judges does
    what = "elements that the screen judges while the plain loop judges one"
    yield f"| {what} | {' | '.join(FORMATS)} |"
    yield "|---|" + "---:|" * len(FORMATS)
    for n in LENGTHS:
        ratios = [f"{screen_ratio(dtype, n):.0f}" for dtype in FORMATS]
        yield f"| n = {n} | {' | '.join(ratios)} |"
    ratios = [f"{attention_ratio(dtype):.0f}" for dtype in FORMATS]
    yield f"| attention, {KEYS} keys, d = {HEAD} | {' | '.join(ratios)} |"
    yield from ("", "| | |", "|---|---:|")
    with tempfile.TemporaryDirectory() as folder:
        found = score_seconds(Path(folder), SCORED)
        parts = seconds_by_part(Path(folder) / "x.npy", Path(folder) / "y.npy")
    what = f"`score` of {SCORED[0] * SCORED[1]} float64 elements, start-up and files included"
    slower = "the same `score`: how many times slower than a warm scipy.special.softmax"
    what += ": how many times faster than the plain loop"
    yield f"| {what} | {found['loop'] / found['score']:.0f} |"
    yield f"| {slower} | {found['score'] / found['scipy']:.1f} |"
    one, two = run_seconds(1), run_seconds(2)
    what = f"`run` of {len(RUN_FAMILIES)} families of the standard suite"
    yield f"| {what}: how many times faster with two processes than with one | {one / two:.2f} |"
    yield f"| `run --suite standard` in two processes: minutes | {whole_run_minutes():.1f} |"
    yield from ("", "| part of the processor time of that `score` | share |", "|---|---:|")
    parts = {"start-up": found["start"]} | parts
    for name, own in parts.items():
        yield f"| {name} | {100 * own / sum(parts.values()):.0f} % |"


if __name__ == "__main__":
    for line in table():
        print(line, flush=True)
