"""A new softmax is one new file: it then stands in list, run, report, contract tests and asv."""

import json
import os
import re
import shutil
import subprocess
import sys
import textwrap

import pandas as pd
import pytest

SOURCES = ("implementations", "harness", "reports")


@pytest.fixture(scope="module")
def checkout(root, tmp_path_factory):
    """A copy of the source roots and tests with the example of implementations/README.md added."""
    copy = tmp_path_factory.mktemp("checkout")
    for name in (*SOURCES, "tests"):
        shutil.copytree(root / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    readme = (root / "implementations" / "README.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"(?:^    .*\n)(?:^    .*\n|^\n)*", readme, re.MULTILINE)
    example = textwrap.dedent(block).strip()
    assert example.count("\n") + 1 <= 15
    target = copy / "implementations" / "softmax_implementations" / "base_2.py"
    target.write_text(example + "\n", encoding="utf-8")
    return copy


def started(checkout, *words):
    paths = os.pathsep.join(str(checkout / name) for name in SOURCES)
    return subprocess.run(
        [sys.executable, *map(str, words)],
        check=False,
        capture_output=True,
        text=True,
        cwd=checkout,
        env=os.environ | {"PYTHONPATH": paths},
    )


def python(checkout, *words):
    done = started(checkout, *words)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


COMMAND = ("-c", "from softmax_harness.cli import main; main()")


def test_list_has_it(checkout):
    document = json.loads(python(checkout, *COMMAND, "list", "--json"))
    (found,) = [each for each in document["implementations"] if each["name"] == "base-2"]
    assert found["dtypes"] == ["float32", "float64"] and found["summary"].startswith("2**")


def test_run_and_report_have_it(checkout):
    options = ("--family", "normal-1,normal-10", "--dtype", "float32", "--jobs", "1")
    python(checkout, *COMMAND, "run", *options, "--out", checkout / "out")
    table = pd.read_csv(checkout / "out" / "results.csv")
    assert (table["implementation"] == "base-2").sum() > 20
    for name in ("report.html", "report.md"):
        assert "base-2" in (checkout / "out" / name).read_text(encoding="utf-8")


def test_the_contract_tests_run_on_it(checkout):
    words = ("-m", "pytest", "-q", "-p", "no:cacheprovider", "--import-mode=importlib", "-rN")
    file = checkout / "tests" / "implementations" / "test_contract.py"
    text = python(checkout, *words, "-k", "base-2", file)
    assert int(re.search(r"(\d+) passed", text).group(1)) == 1


def test_asv_times_it(checkout):
    text = python(
        checkout,
        "-c",
        "import harness.benchmarks.softmax as s; print(s.Softmax.time_softmax.params)",
    )
    assert "base-2" in text


def test_a_worker_that_dies_is_noticed_and_nothing_is_written(checkout):
    target = checkout / "implementations" / "softmax_implementations" / "dies.py"
    lines = (
        "import multiprocessing, os",
        "from softmax_implementations.registry import implementation",
        "@implementation('dies', dtypes=('float16',))",
        "def dies(x, axis=-1):",
        "    return x if multiprocessing.parent_process() is None else os._exit(1)",
    )
    target.write_text("\n".join(lines) + "\n", encoding="utf-8")
    try:
        options = ("--family", "ties", "--dtype", "float16", "--jobs", "2", "--out", "gone")
        done = started(checkout, *COMMAND, "run", "dies", *options)
    finally:
        target.unlink()
    assert done.returncode == 3 and "a worker process died" in done.stderr
    assert not (checkout / "gone").exists()
