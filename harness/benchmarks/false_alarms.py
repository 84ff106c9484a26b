"""How often bench cries wolf or misses: A/A and A/B comparisons with planted slow-downs.

``python harness/benchmarks/false_alarms.py FOLDER --comparisons 30`` makes comparisons until FOLDER
holds so many, however often it is interrupted, and prints the table of docs/method/bench.md;
``--comparisons 0`` only prints it. It decides by the code that bench decides by.

HEAD's softmax is BASE's, followed by idling for a share of the time that this very call took, so
that the slow-down is the planted one whatever the size of the call and the state of the machine.
"""

import argparse
import json
import math
import os
import re
import sys
import tempfile
import textwrap
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from softmax_harness.timing.bench.compare import timed_verdicts
from softmax_harness.timing.bench.rule import Rule, flagged
from softmax_harness.timing.bench.turns import timed_in_turns
from softmax_harness.timing.worker import Side, Worker

PLANTED = (0, 5, 10, 25)
LENGTHS = (100, 1000, 10_000)
# More is timed again than bench's rule asks for, so that the table can be made for other factors.
WATCHED = Rule(factor=1.03)
FACTORS = (1.03, 1.05, 1.08, 1.1)

KERNEL = """
    import time
    import numpy as np

    def softmax(x, axis=-1):
        e = np.exp(x - np.max(x, axis=axis, keepdims=True))
        return e / np.sum(e, axis=axis, keepdims=True)

    def _slower(percent):
        def slower(x, axis=-1):
            start = time.perf_counter()
            y = softmax(x, axis)
            now = time.perf_counter()
            until = now + (now - start) * percent / 100
            while time.perf_counter() < until:
                pass
            return y
        return slower
"""
BENCHMARKS = f"""
    from softmax_harness.timing import suite

    Planted = suite(
        *(f"kernel:by_{{percent}}" for percent in {PLANTED}), dtypes=("float32",), lengths={LENGTHS}
    )
"""


def side(folder, label, planted):
    """A side whose kernels are slower by what is planted, with paths of one length for each."""
    kernels = folder / label
    kernels.mkdir()
    lines = [
        f"by_{name} = _slower({percent})" for name, percent in zip(PLANTED, planted, strict=True)
    ]
    text = textwrap.dedent(KERNEL) + "\n" + "\n".join(lines) + "\n"
    (kernels / "kernel.py").write_text(text, encoding="utf-8")
    judge = Path(__file__).resolve().parents[1]
    variables = {"PYTHONPATH": f"{kernels}{os.pathsep}{judge}"}
    return Side(label, Path(sys.executable), folder / "benchmarks", variables)


def compare_once():
    """One comparison of every planted slow-down: the pairs of each timing, first and again."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "benchmarks").mkdir()
        (folder / "benchmarks" / "__init__.py").touch()
        text = textwrap.dedent(BENCHMARKS)
        (folder / "benchmarks" / "planted.py").write_text(text, encoding="utf-8")
        sides = side(folder, "base", [0] * len(PLANTED)), side(folder, "head", PLANTED)
        with Worker(sides[0]) as worker:
            (listed,) = (each for each in worker.listed() if each["type"] == "time")
        asked = {}
        for index, choice in enumerate(listed["choices"]):
            request = {"name": listed["name"], "index": index}
            asked[" ".join(choice)] = request, request
        first = timed_in_turns(sides, asked, WATCHED.pairs, lambda *progress: None)
        suspects = {name: asked[name] for name in asked if flagged(first.pairs[name], WATCHED)}
        again = timed_in_turns(sides, suspects, WATCHED.pairs_again, lambda *progress: None)
    return {"first": first.pairs, "again": again.pairs}


def planted_of(name):
    """Percent by which HEAD's kernel of this timing is slower."""
    return int(re.match(r"'kernel:by_(\d+)'", name)[1])


def verdicts(comparison, percent, rule):
    """bench's verdicts on a comparison that has this slow-down only."""
    first, again = (
        {name: pairs for name, pairs in comparison[part].items() if planted_of(name) == percent}
        for part in ("first", "again")
    )
    again = {name: pairs for name, pairs in again.items() if flagged(first[name], rule)}
    return [result.verdict for result in timed_verdicts(first, again, rule).values()]


def bounds(found, trials, level=0.95):
    """Clopper and Pearson's bounds (1934) of a probability, each side with half of 1 - level."""
    tail = (1 - level) / 2

    def at_least(p):
        return math.fsum(
            math.comb(trials, k) * p**k * (1 - p) ** (trials - k) for k in range(found, trials + 1)
        )

    def at_most(p):
        return math.fsum(
            math.comb(trials, k) * p**k * (1 - p) ** (trials - k) for k in range(found + 1)
        )

    low = 0.0 if found == 0 else _crossing(lambda p: at_least(p) > tail)
    high = 1.0 if found == trials else _crossing(lambda p: at_most(p) < tail)
    return low, high


def _crossing(is_beyond):
    low, high = 0.0, 1.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (low, middle) if is_beyond(middle) else (middle, high)
    return high


def table(comparisons):
    """The lines of the table of docs/method/bench.md."""
    columns = ("factor", "planted", "comparisons", "timings", "slower", "faster")
    yield f"| {' | '.join(columns)} | share found slower, 95 % |"
    yield "|---:|---:|---:|---:|---:|---:|---|"
    for factor in FACTORS:
        rule = Rule(factor=factor)
        for percent in PLANTED:
            each = [v for one in comparisons for v in verdicts(one, percent, rule)]
            slower, faster = each.count("slower"), each.count("faster")
            low, high = bounds(slower, len(each))
            mark = " (default)" if factor == Rule().factor else ""
            numbers = f"{len(comparisons)} | {len(each)} | {slower} | {faster}"
            share = f"{100 * low:.1f} to {100 * high:.1f} %"
            yield f"| {factor:g}{mark} | {percent} % | {numbers} | {share} |"


def main():
    """Make what is missing, then print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--comparisons", type=int, default=30)
    chosen = parser.parse_args()
    chosen.folder.mkdir(parents=True, exist_ok=True)
    file = chosen.folder / "comparisons.jsonl"
    while len(done := stored(file)) < chosen.comparisons:
        line = json.dumps(compare_once())
        with file.open("a", encoding="utf-8") as out:
            out.write(line + "\n")
        print(f"{len(done) + 1} of {chosen.comparisons}", file=sys.stderr, flush=True)
    print("\n".join(table(done)))


def stored(file):
    """The comparisons made so far; a line that an interruption cut off is left out."""
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    whole = []
    for line in lines:
        try:
            whole.append(json.loads(line))
        except ValueError:
            continue
    return whole


if __name__ == "__main__":
    main()
