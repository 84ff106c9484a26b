"""A small run, and how one is made."""

import pytest
from softmax_harness.ground.workers import workers
from softmax_harness.run.make import make_run
from softmax_harness.run.options import Options
from softmax_harness.run.results import write
from softmax_harness.run.selection import select


@pytest.fixture(scope="session")
def made():
    """The run of some options, made as the command makes it: ``made(options)``."""

    def run(options):
        with workers(options.jobs) as executor:
            return make_run(select(options), executor)

    return run


@pytest.fixture(scope="session")
def options():
    """Those of a small run with confirmations, a plane, and two experiments."""
    return Options(
        implementations=("max-shifted", "naive"),
        dtypes=("float16",),
        families=("masked", "scale-plane", "digits"),
    )


@pytest.fixture(scope="session")
def written():
    """The files of a run by name, written into a new folder: ``written(run, folder)``."""

    def files(run, folder):
        folder.mkdir()
        write(run, folder)
        return {path.name: path.read_bytes() for path in folder.iterdir()}

    return files


@pytest.fixture(scope="session")
def run(made, options):
    """That run, made in this process."""
    return made(options)
