"""A little package with an entry point is installed, and every command takes its name."""

import json
import os
import shutil
import subprocess
import sys

import pandas as pd
import pytest


@pytest.fixture(scope="module")
def installed(root, command, tmp_path_factory):
    """What runs a command where examples/plugin is installed, from an empty folder."""
    folder = tmp_path_factory.mktemp("plugin")
    source, site, work = folder / "source", folder / "site", folder / "work"
    shutil.copytree(root / "examples/plugin", source)
    work.mkdir()
    words = ("pip", "install", "-q", "--no-deps", "--no-build-isolation", "--target")
    subprocess.run([sys.executable, "-m", *words, site, source], check=True)
    path = os.pathsep.join([str(site), os.environ.get("PYTHONPATH", "")])

    def run(*words):
        done = command(*words, cwd=work, environment={"PYTHONPATH": path})
        return done.returncode, done.stdout + done.stderr

    run.folder = work
    return run


def test_it_is_listed_by_its_name(installed):
    code, text = installed("list", "--json")
    (found,) = json.loads(text)["entry_points"]
    assert code == 0 and found == {"name": "halves", "function": "softmax_halves:halves"}


def test_it_is_checked_by_its_name(installed):
    code, text = installed("check", "halves", "--dtype", "float32", "--only", "axes")
    assert code == 0 and text.startswith("pass") and "halves" in text


def test_it_is_run_beside_others_by_its_name(installed):
    options = ("--family", "ties", "--dtype", "float32", "--out", "out")
    code, text = installed("run", "halves", "max-shifted", *options)
    assert code == 0, text
    table = pd.read_csv(installed.folder / "out/results.csv")
    assert {*table["implementation"]} == {"halves", "max-shifted"}


def test_a_misspelt_name_is_led_to_it(installed):
    code, text = installed("explain", "0", "1", "--implementation", "halfs")
    assert code == 2 and "did you mean halves" in text
