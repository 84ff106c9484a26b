"""What the tests of all rooms share."""

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def root():
    """The project's root."""
    return Path(__file__).parents[1]


@pytest.fixture(scope="session")
def command():
    """The command as a user types it, in a process of its own: ``command("list")``."""

    def run(*words, cwd=None, environment=None, timeout=None):
        argv = [sys.executable, "-c", "from softmax_harness.cli import main; main()", *words]
        return subprocess.run(
            list(map(str, argv)),
            check=False,
            capture_output=True,
            text=True,
            cwd=cwd,
            env=os.environ | (environment or {}),
            timeout=timeout,
        )

    return run


@pytest.fixture(scope="session")
def run_folder(command, tmp_path_factory):
    """A run with its report: every implementation on a few families in two dtypes."""
    folder = tmp_path_factory.mktemp("run") / "out"
    families = "normal-1,normal-10,masked,offset-plane,scale-plane,digits,attention"
    options = ("--dtype", "float16,float32", "--family", families, "--asv", "none")
    done = command("run", *options, "--out", folder)
    assert done.returncode == 0, done.stderr
    return folder
