"""A run on a Dask cluster is the run of this machine, though one of its workers dies in mid-run."""

import json
import subprocess
import sys
import time
from contextlib import ExitStack

import pytest

pytest.importorskip("distributed", reason="pip install 'softmax-harness[dask]'")

SECONDS = 120.0
SOON = """
from softmax_harness.cli import main
from softmax_harness.run import cluster
cluster._SECONDS_TO_CONNECT = 1.0  # which distributed waits for, even where nothing listens
main()
"""
HERE = ("--host", "127.0.0.1", "--no-dashboard")
RUN = (
    *("run", "max-shifted", "naive", "--dtype", "float16"),
    *("--family", "normal-1,normal-10,masked"),
)
OTHERS = (
    ("search", "max-shifted", "--n", "4", "--evaluations", "200"),
    ("exhaustive", "wide", "--dtype", "float8_e5m2"),
)


@pytest.fixture
def cluster(tmp_path):
    """The address of a scheduler, and its two workers."""
    file = tmp_path / "scheduler.json"
    with ExitStack() as stack:

        def begun(*words):
            process = subprocess.Popen(
                [sys.executable, "-m", *words],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd=tmp_path,
            )
            stack.callback(process.wait)
            stack.callback(process.kill)
            return process

        scheduler = ("distributed.cli.dask_scheduler", *HERE, "--port", "0")
        begun(*scheduler, "--scheduler-file", str(file))
        _wait(file.exists, "a scheduler")
        own = ("distributed.cli.dask_worker", "--scheduler-file", str(file), *HERE)
        workers = [begun(*own, "--no-nanny", "--nthreads", "1") for _ in range(2)]
        yield _address(file), workers


def _address(file):
    return json.loads(file.read_text())["address"]


def _wait(is_there, what):
    until = time.monotonic() + SECONDS
    while not is_there():
        assert time.monotonic() < until, f"{what} did not come"
        time.sleep(0.05)


def _workers_of(address):
    from distributed import Client

    with Client(address, set_as_default=False) as client:
        _wait(lambda: len(client.scheduler_info()["workers"]) == 2, "two workers")


def test_a_worker_that_is_killed_changes_nothing(cluster, command, tmp_path):
    address, workers = cluster
    _workers_of(address)
    out, units = tmp_path / "there", tmp_path / "there.units"
    words = [sys.executable, "-c", "from softmax_harness.cli import main; main()", *RUN]
    with subprocess.Popen(
        [*words, "--scheduler", address, "--out", str(out)], stderr=subprocess.PIPE, text=True
    ) as run:
        _wait(lambda: len(list(units.glob("*.unit"))) >= 3 or run.poll() is not None, "a unit")
        assert run.poll() is None, run.stderr.read()
        workers[0].kill()
        said = run.communicate(timeout=SECONDS)[1]
    assert run.returncode == 0, said
    here = command(*RUN, "--jobs", "1", "--out", tmp_path / "here")
    assert here.returncode == 0, here.stderr
    tables = sorted(path.name for path in (tmp_path / "here").glob("*.csv"))
    assert "results.csv" in tables
    for name in tables:
        assert (out / name).read_bytes() == (tmp_path / "here" / name).read_bytes()
    the_worker_that_is_left_does_what_this_machine_does(address, command, tmp_path)


def the_worker_that_is_left_does_what_this_machine_does(address, command, folder):
    """The other commands that take a scheduler."""
    for number, words in enumerate(OTHERS):
        there, here = (
            command(*words, *where, "--units", folder / f"{number}{where[0]}", cwd=folder)
            for where in (("--scheduler", address), ("--jobs", "1"))
        )
        assert there.returncode == here.returncode == 0, there.stderr
        assert there.stdout == here.stdout and there.stdout


def test_where_no_scheduler_answers_one_line_says_so(tmp_path):
    words = *RUN, "--scheduler", "tcp://127.0.0.1:9", "--out", str(tmp_path / "out")
    done = subprocess.run(
        [sys.executable, "-c", SOON, *words],
        check=False,
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert "no Dask scheduler answers at tcp://127.0.0.1:9" in done.stderr
