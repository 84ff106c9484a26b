"""Processes that judge load NumPy in one thread, and leave the environment as it was."""

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or (os.cpu_count() or 1) < 2,
    reason="it counts threads in /proc: run it on Linux with two cores",
)

TOLD = """
import os, sys
from pathlib import Path

def told(_=None):
    import numpy
    return len(list(Path("/proc/self/task").iterdir())), os.environ.get("OPENBLAS_NUM_THREADS")
"""
VERB = (
    TOLD
    + """
from softmax_harness.cli import commands
commands.get_command(None, {!r})
print(*told())
"""
)
WORKER = (
    TOLD
    + """
if __name__ == "__main__":
    from softmax_harness.ground.workers import workers
    with workers(2) as executor:
        print(*executor.submit(told).result())
"""
)


def printed(tmp_path, program, **variables):
    """What a script prints in a process of the user's, where nothing is set but these."""
    path = tmp_path / "script.py"
    path.write_text(program)
    plain = {name: value for name, value in os.environ.items() if name != "OPENBLAS_NUM_THREADS"}
    done = subprocess.run(
        [sys.executable, str(path)],
        capture_output=True,
        check=True,
        text=True,
        env=plain | variables,
        timeout=60,
    )
    return done.stdout.split()


@pytest.mark.parametrize("verb", ["check", "run", "score"])
def test_a_verb_that_judges_has_one_thread(tmp_path, verb):
    assert printed(tmp_path, VERB.format(verb)) == ["1", "None"]


def test_what_the_user_sets_stays(tmp_path):
    found = printed(tmp_path, VERB.format("check"), OPENBLAS_NUM_THREADS="2")
    assert found[1] == "2"


def test_a_worker_starts_no_threads_of_openblas(tmp_path):
    threads, variable = printed(tmp_path, WORKER)
    # One of a worker's own waits for the end of its parent.
    assert int(threads) <= 2
    assert variable == "None"
