"""score on many cores: a fault in a worker, its screen or its memory is always noticed."""

import subprocess
import sys

import numpy as np
import pytest
from softmax_implementations import implementations

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="faults reach forked workers alone; run it on Linux"
)

PROGRAM = """
import os, resource, signal, sys
from softmax_harness.score import judging
from softmax_harness.cli import main
from softmax_harness.operations.screen import fine, light
judging.usable_cores = lambda: 2
parent = os.getpid()
{fault}
main()
"""
# Of the blocks one in the middle, so that others were judged well before and after it.
IN_A_BLOCK = """
judge = judging._Judge.judge
def faulty(self, start, rows):
    if start > 700:
        {fault}
    return judge(self, start, rows)
judging._Judge.judge = faulty
"""
LYING = """
honest = {kernel}._exponentials
def lying(*given):
    head, tail, q = honest(*given)
    if {where}:
        tail *= 1 + 2.0**-18
    return head, tail, q
{kernel}._exponentials = lying
"""


@pytest.fixture(scope="module", params=["float32", "float64"])
def files(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pair")
    x = np.random.default_rng(0).normal(0, 3, (1500, 500)).astype(request.param)
    np.save(folder / "x.npy", x)
    np.save(folder / "y.npy", implementations()["max-shifted"](x))
    return folder, {"float32": "light", "float64": "fine"}[request.param]


def scored(folder, tmp_path, fault):
    words = ["score", folder / "x.npy", folder / "y.npy", "--json", tmp_path / "score.json"]
    program = [sys.executable, "-c", PROGRAM.format(fault=fault), *words]
    return subprocess.run(program, check=False, capture_output=True, text=True, timeout=120)


def test_without_a_fault_it_is_written(files, tmp_path):
    done = scored(files[0], tmp_path, "")
    assert done.returncode == 0 and (tmp_path / "score.json").exists(), done.stderr


FAULTS = {
    "dies": ("os.kill(os.getpid(), signal.SIGKILL)", "a worker process died", 3),
    "ends": ("os._exit(0)", "a worker process died", 3),
    "raises": ("raise ZeroDivisionError('here')", "ZeroDivisionError: here", 3),
    "has no memory left": ("raise MemoryError", "not enough memory", 3),
    "flushes subnormals": (
        "import softmax_harness.ground.floating_point as f; f._SMALL = f._SMALL * 0",
        "subnormals are flushed to zero",
        2,
    ),
}


@pytest.mark.parametrize("fault, message, code", FAULTS.values(), ids=FAULTS)
def test_a_faulty_worker_is_noticed_and_nothing_is_written(files, tmp_path, fault, message, code):
    done = scored(files[0], tmp_path, IN_A_BLOCK.format(fault=fault))
    assert done.returncode == code and message in done.stderr
    assert done.stdout == "" and list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "where",
    ["True", "os.getpid() == parent", "os.getpid() != parent"],
    ids=["everywhere", "in the parent", "in the workers"],
)
def test_a_lying_screen_is_noticed_wherever_it_lies(files, tmp_path, where):
    """mpmath judges the rows of every maximum, and is held against both screens."""
    folder, kernel = files
    done = scored(folder, tmp_path, LYING.format(kernel=kernel, where=where))
    assert done.returncode == 3 and "differs from mpmath" in done.stderr
    assert done.stdout == "" and list(tmp_path.iterdir()) == []
