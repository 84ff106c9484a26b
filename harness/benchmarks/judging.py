"""How fast the harness judges, and how that compares: with the plain mpmath loop, with scipy.

``python harness/benchmarks/judging.py`` prints the tables of docs/method/speed.md, or with
``ratios``, ``commands`` or ``long-rows`` after it one of them; asv runs the classes.
Ratios are of times taken in one process, in turns, the fastest of a few each; those of the screens
are of its processor time.
"""

import itertools
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as in every command that judges

import numpy as np

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parents[1])]

import plain_attention
from plain_loop import EXACT, largest_ulp_error
from shares import seconds_by_part
from softmax_harness.ground.formats import DEFAULT_DTYPES, FORMATS
from softmax_harness.ground.memory import keep_freed_memory
from softmax_harness.judgement.metrics import ulp_error
from softmax_harness.operations import OPERATIONS, Problem
from softmax_harness.truth import exact_results

# scipy and what a run needs are imported where they are used: asv reads this file in environments
# that only time the softmaxes.
SOFTMAX = OPERATIONS["softmax"]
LENGTHS = (2, 8, 1000, 100_000)
OPERATION_LENGTH = 1000
BATCH = 1 << 17
LOOP_ELEMENTS = 2000
QUERIES, KEYS, HEAD = 128, 1000, 64  # of attention: scores of one head, and its dimension
SCORED = (10_000, 1000)
LONG_ROWS = (100_000, 4_000_000, 50_000_000)
RUN_IMPLEMENTATIONS = ("max-shifted", "naive", "wide", "log-sum-exp", "shifted-log-sum-exp")
RUN_FAMILIES = ("normal-1", "normal-10", "normal-100", "masked", "rising", "ties")


class Batch:
    """Logits of scale 3 in a dtype, operands, and outputs of this dtype; all but these as float64.

    The outputs are the exact results, rounded: what an implementation errs by changes no time.
    """

    def __init__(self, dtype, n, name="softmax"):
        keep_freed_memory()  # as every command that judges does
        self.problem = Problem.of(OPERATIONS[name], FORMATS[dtype])
        rng, shape = np.random.default_rng(0), (max(1, BATCH // n), n)
        stored = (3 * rng.standard_normal(shape)).astype(FORMATS[dtype].dtype)
        self.x = stored.astype(float)
        self.operands = self.problem.operation.make_operands(stored, rng)
        truth = self.truth()
        self.y, self.usual = truth.rounded, np.flatnonzero(~truth.fixed.all(axis=-1))

    def truth(self):
        """By the screen with what it leaves open."""
        return exact_results(self.problem, self.x, self.operands).truth

    def errors(self):
        """The errors in ulp of all outputs."""
        return ulp_error(self.y, self.truth())

    def loop(self):
        """The plain loop on the first rows, or on part of one, and how many logits that is.

        A row that sees nothing, or whose weighted sum is not above 0, is none of them.
        """
        rows, width = max(1, LOOP_ELEMENTS // self.x.shape[1]), min(LOOP_ELEMENTS, self.x.shape[1])
        rows = min(rows, len(self.usual))
        parts = [each[self.usual[:rows]] for each in (self.x, self.y, *self.operands)]
        parts = [each % width if each.dtype.kind == "i" else each for each in parts]
        parts = [each[:, :width] if each.ndim == 2 else each for each in parts]
        as_float = [each if each.dtype.kind in "ib" else each.astype(float) for each in parts]
        x, y, *operands = (each.tolist() for each in as_float)
        exact, format = EXACT[self.problem.operation.name], self.problem.output_format
        some = list(zip(x, *operands, strict=True))
        return (
            lambda: largest_ulp_error(exact, some, y, format.precision, format.emin),
            rows * width,
        )


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


def seconds(function, repeats=7, clock=time.perf_counter):
    """The fastest of a few calls."""
    best = float("inf")
    for _ in range(repeats):
        start = clock()
        function()
        best = min(best, clock() - start)
    return best


def own_seconds(function, repeats):
    """The same in seconds of this process, whatever else the machine does."""
    return seconds(function, repeats, time.process_time)


def seconds_in_turns(functions, turns, calls=1):
    """The fastest call of each by its name; they take turns, so that all meet the same machine."""
    best = dict.fromkeys(functions, float("inf"))
    for _ in range(turns):
        for name, function in functions.items():
            best[name] = min(best[name], seconds(function, calls))
    return best


def loop_seconds(dtype, n):
    """Seconds a logit of softmax's plain loop."""
    function, count = Batch(dtype, n).loop()
    return seconds(function, 3) / count


def screen_ratios(dtype, n, name="softmax", turns=6):
    """How many logits the screen judges while the plain loop judges one, turn by turn."""
    batch = Batch(dtype, n, name)
    loop, count = batch.loop()
    found = []
    for _ in range(turns):
        own = own_seconds(batch.errors, 3)  # the first call after another finds cold caches
        found.append(own_seconds(loop, 1) / count / (own / batch.x.size))
    return found


def ratio(dtype, n, name="softmax"):
    """The middle of the ratios of a few turns, and the least and the largest."""
    return with_spread(screen_ratios(dtype, n, name))


def with_spread(found):
    """The middle of a few ratios, and the least and the largest."""
    found = sorted(found)
    return f"{median(found):.0f} ({found[0]:.0f}-{found[-1]:.0f})"


def attention_batch(dtype, is_shared=True):
    """Queries with keys and values, as the operation takes them, and outputs of attention.

    Keys and values are those of all queries, which have views of them or copies.
    """
    keep_freed_memory()
    rng, own = np.random.default_rng(0), FORMATS[dtype].dtype
    q = rng.standard_normal((QUERIES, 1, HEAD)).astype(own)
    k, v = rng.standard_normal((2, 1, KEYS, HEAD)).astype(own)
    exponentials = np.exp(q[:, 0].astype(float) @ k[0].astype(float).T / np.sqrt(HEAD))
    y = exponentials @ v[0].astype(float) / exponentials.sum(axis=-1, keepdims=True)
    views = (np.broadcast_to(each, (QUERIES, KEYS, HEAD)) for each in (k, v))
    keys = views if is_shared else (each.copy() for each in views)
    mask = np.broadcast_to(True, (QUERIES, 1, KEYS))
    return (q, *keys, mask), y.astype(own).astype(float)


def attention_ratios(dtype, name="attention", is_shared=True, turns=3):
    """How many queries the screen judges while the plain loop judges one, turn by turn."""
    operands, y = attention_batch(dtype, is_shared)
    sinks = {}
    if name == "attention_sink":
        sinks = {"sinks": [0.5]}
        operands = (*operands, np.full((QUERIES, 1, 1), 0.5, FORMATS[dtype].dtype))
    format = FORMATS[dtype]
    problem, x = Problem.of(OPERATIONS[name], format), np.zeros((QUERIES, KEYS))
    q, k, v, *_ = operands
    few = [each.astype(float).tolist() for each in (q[0], k[0], v[0], y[:1])]
    rounding = format.precision, format.emin
    found = []
    for _ in range(turns):
        loop = own_seconds(lambda: plain_attention.largest_ulp_error(*few, *rounding, **sinks), 1)
        own = own_seconds(lambda: ulp_error(y, exact_results(problem, x, operands).truth), 2)
        found.append(loop * QUERIES / own)
    return found


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
    return seconds_in_turns(timed, repeats) | {"loop": loop_seconds("float64", shape[1]) * x.size}


def save_pair(folder, name, shape, dtype):
    """Two files of logits and of outputs of numpy in the dtype; the words that score them."""
    x = (3 * np.random.default_rng(0).standard_normal(shape, np.float32)).astype(dtype)
    y = np.exp(x - x.max(axis=-1, keepdims=True))
    y /= y.sum(axis=-1, keepdims=True, dtype=np.float64).astype(dtype)
    paths = [folder / f"{part}-{name}.npy" for part in "xy"]
    for path, array in zip(paths, (x, y), strict=True):
        np.save(path, array)
    return ("score", *paths)


def processor_seconds(function):
    """What the processes that a call starts and waits for take of the processor."""
    import resource  # not on Windows, where asv reads this file too

    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    function()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def long_row_ratios(folder, n, dtype, turns=3):
    """Processor time of `score` on rows of n over that on as many elements in rows of 1000.

    A ratio for each turn, the start-up taken off; of a row, or of as many as the second of
    `LONG_ROWS` has elements.
    """
    several = max(1, LONG_ROWS[1] // n)
    long = command(folder, *save_pair(folder, "long", (several, n), dtype))
    rows = several * n // SCORED[1]
    short = command(folder, *save_pair(folder, "short", (rows, SCORED[1]), dtype))
    start = command(folder, "score", *save_pair(folder, "few", (1, SCORED[1]), dtype)[1:])
    start()  # which makes the bytecode of all
    found = []
    for _ in range(turns):
        each = [processor_seconds(function) for function in (start, long, short)]
        found.append((each[1] - each[0]) / (each[2] - each[0]))
    return sorted(found)


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
            _batches[key] = Batch(dtype, n)
        _batches[key].errors()

    def track_slowdown_to_loop(self, dtype, n):
        """Time of the screen over that of the plain loop; lower is better, as asv has it."""
        return 1 / max(screen_ratios(dtype, n))

    def track_slowdown_to_scipy(self, dtype, n):
        """Time of the screen over that of scipy.special.softmax in float64."""
        batch = Batch(dtype, n)
        batch.errors()
        return seconds(batch.errors) / seconds(lambda: scipy_softmax(batch.x))


_batches = {}


class Attention:
    """The screen of attention, with keys that all queries share."""

    params = list(FORMATS)
    param_names = ("dtype",)
    timeout = 300

    def track_slowdown_to_loop(self, dtype):
        """Time of the screen over that of the plain loop; lower is better, as asv has it."""
        return 1 / max(attention_ratios(dtype))


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
        return own / (loop_seconds("float32", 1000) * elements)

    def track_slowdown_to_scipy(self):
        """Time of the run over that of scipy.special.softmax on as many elements."""
        own, elements = self._measured()
        x = Batch("float32", 1000).x
        return own / (seconds(lambda: scipy_softmax(x)) / x.size * elements)

    def _measured(self):
        options = {"dtypes": ("float32",), "suite": "standard"}
        elements = make_run(("max-shifted",), ("normal-1",), **options).info["counts"]["elements"]
        own = seconds(lambda: make_run(("max-shifted",), ("normal-1",), **options), 2)
        return own, elements


def long_rows_table():
    """A line for each length of long rows and each dtype."""
    yield from ("", "| | |", "|---|---:|")
    for n, dtype in itertools.product(LONG_ROWS, DEFAULT_DTYPES):
        with tempfile.TemporaryDirectory() as folder:
            low, middle, high = long_row_ratios(Path(folder), n, dtype)
        what = f"`score` of {dtype} rows of {n}: processor time over that in rows of 1000"
        yield f"| {what} | {middle:.2f} ({low:.2f}-{high:.2f}) |"


def machine():
    """The processor and how many cores of it there are."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if sys.platform == "linux" else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{os.cpu_count()} cores of {models[0] if models else platform.processor()}"


def ratios():
    """The lines of the table of the screens in docs/method/speed.md, all of one run."""
    keep_freed_memory()  # as every command that judges does
    what = "logits that the screen judges while the plain loop judges one"
    yield f"Measured on {machine()}: the middle of a few turns, the least and the largest."
    yield from ("", f"| {what} | {' | '.join(FORMATS)} |", "|---|" + "---:|" * len(FORMATS))
    for n in LENGTHS:
        yield f"| softmax, n = {n} | {' | '.join(ratio(dtype, n) for dtype in FORMATS)} |"
    for name in list(EXACT)[1:]:
        found = [ratio(dtype, OPERATION_LENGTH, name) for dtype in FORMATS]
        yield f"| {name}, n = {OPERATION_LENGTH} | {' | '.join(found)} |"
    for name, is_shared in itertools.product(("attention", "attention_sink"), (True, False)):
        found = [with_spread(attention_ratios(dtype, name, is_shared)) for dtype in FORMATS]
        whose = "that all share" if is_shared else "of its own each"
        yield f"| {name}, {KEYS} keys {whose}, d = {HEAD} | {' | '.join(found)} |"


def all_operations():
    """Seconds of processor time of a quick run of all operations, and the elements it judged."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run"
        words = ("run", "--operation", "all", "--suite", "quick", "--asv", "none", "--out", out)
        before = os.times()
        command(Path(folder), *words)()
        after = os.times()
        counts = json.loads((out / "run.json").read_text())["counts"]
    seconds_ = after.children_user + after.children_system
    return seconds_ - before.children_user - before.children_system, counts["elements"]


def commands():
    """The lines of its tables of the commands."""
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
    taken, elements = all_operations()
    what = "`run --operation all --suite quick`: seconds of processor time"
    yield f"| {what}, for {elements} elements | {taken:.0f} |"
    yield from ("", "| part of the processor time of that `score` | share |", "|---|---:|")
    parts = {"start-up": found["start"]} | parts
    for name, own in parts.items():
        yield f"| {name} | {100 * own / sum(parts.values()):.0f} % |"
    from checking import table as of_checks

    yield ""
    yield from of_checks()


if __name__ == "__main__":
    tables = {"ratios": ratios, "commands": commands, "long-rows": long_rows_table}
    for chosen in sys.argv[1:] or tables:
        for line in tables[chosen]():
            print(line, flush=True)
