"""Memory does not grow with the number of elements: peaks of processes on ten times as many."""

import subprocess
import sys

import numpy as np
import pytest

resource = pytest.importorskip("resource", reason="peaks are read by it; not on Windows")

# What may differ: pages of libraries, the order of events, and how large the pieces are in which
# the system brings files into memory. The files differ by three times as much.
_MIB = 2**20
_NOISE = 24 * _MIB
_KIB = 1 if sys.platform == "darwin" else 1024  # the unit in which the system tells peaks

PEAK = """
import resource, subprocess, sys
done = subprocess.run(sys.argv[1:], capture_output=True)
sys.stderr.buffer.write(done.stderr)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(done.returncode)
"""


def peak(*words):
    """The largest resident set of any process of a command, its workers included, in bytes."""
    words = [sys.executable, "-c", PEAK, sys.executable, *map(str, words)]
    done = subprocess.run(words, check=False, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return int(done.stdout) * _KIB


def pair(folder, rows, n, axis):
    """Files of so many rows along an axis; each value is another, so that no maxima tie."""
    folder.mkdir()
    shape = (rows, n) if axis == 1 else (n, rows)
    x = 3 * np.random.default_rng(0).standard_normal(shape, np.float32)
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    np.save(folder / "x.npy", x)
    np.save(folder / "y.npy", e / e.sum(axis=axis, keepdims=True))
    return folder / "x.npy", folder / "y.npy"


@pytest.mark.parametrize("axis, n", [(1, 1000), (0, 50)])
def test_score_reads_files_of_any_size_in_the_same_memory(tmp_path, axis, n):
    """Of 5 MB each and of 48 MB: row after row, and along the other axis."""
    program, found = "from softmax_harness.cli import main; main()", []
    for elements in (1_200_000, 12_000_000):
        files = pair(tmp_path / str(elements), elements // n, n, axis)
        found.append(peak("-c", program, "score", *files, "--axis", axis))
    assert found[1] < found[0] + _NOISE, [each / _MIB for each in found]


def test_score_reads_one_long_row_slice_by_slice(tmp_path):
    """Of all its elements it keeps 8 bytes each, to sort them: a quarter of what results take."""
    words, lengths = ("-c", "from softmax_harness.cli import main; main()"), (600_000, 6_000_000)
    found = [peak(*words, "score", *pair(tmp_path / str(n), 1, n, 1)) for n in lengths]
    kept = 8 * (lengths[1] - lengths[0])
    assert found[1] < found[0] + kept + _NOISE, [each / _MIB for each in found]


SWEEP = """
import sys
from softmax_harness.inputs.families import FAMILIES, Recipe
from softmax_harness.ground.formats import FORMATS
from softmax_harness.ground.memory import keep_freed_memory
from softmax_harness.ground.workers import Here
from softmax_harness.operations import OPERATIONS, Problem
from softmax_harness.run.selection import Planned
from softmax_harness.run.sweep import sweep
keep_freed_memory()
recipe = Recipe(FAMILIES["normal-10"], FORMATS["float32"], 1000, int(sys.argv[1]), 0)
problem = Problem.of(OPERATIONS["softmax"], FORMATS["float32"])
plan = [Planned(problem, recipe, ("max-shifted", "naive"), "screened")]
for cells, counts in sweep(plan, Here()):
    print([cell.tally.elements for cell in cells])
"""


def test_a_sweep_takes_the_same_memory_for_ten_times_the_rows():
    found = [peak("-c", SWEEP, rows) for rows in (1000, 10_000)]
    assert found[1] < found[0] + _NOISE, [each / _MIB for each in found]
