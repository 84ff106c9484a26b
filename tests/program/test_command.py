"""The command as a user types it: each verb does what its help says."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import mpmath
import numpy as np
import pandas as pd
import pytest
from softmax_harness.cli import VERBS
from softmax_harness.inputs import witness
from softmax_harness.inputs.families import FAMILIES
from softmax_harness.judgement.outcomes import OUTCOMES
from softmax_harness.run.results import COLUMNS
from softmax_harness.timing import calls
from softmax_implementations import implementations


@pytest.mark.parametrize("verb", VERBS)
def test_every_help_has_an_example(called, verb):
    done = called(verb, "--help")
    assert done.returncode == 0 and f"Example: softmax-harness {verb}" in done.stdout


def test_list_names_all_there_is(called):
    document = json.loads(called("list", "--json").stdout)
    assert document["schema"] == 1
    names = [each["name"] for each in document["implementations"]]
    assert names == sorted({*implementations(), "exact"})
    text = called("list").stdout
    assert all(name in text for name in (*names, *FAMILIES, "softmax", "standard"))


def test_a_run_has_its_files_and_columns(run_folder):
    names = {path.name for path in run_folder.iterdir()}
    assert names >= {"run.json", "results.csv", "report.html", "report.md", "figures"}
    table = pd.read_csv(run_folder / "results.csv")
    assert tuple(table.columns) == COLUMNS
    info = json.loads((run_folder / "run.json").read_text())
    assert info["schema"] == 2 and info["counts"]["confirmed"] > 0


def test_outcomes_partition_the_elements(run_folder):
    table = pd.read_csv(run_folder / "results.csv")
    assert (table[list(OUTCOMES)].sum(axis=1) == table["elements"]).all()


def test_the_reference_is_correctly_rounded_throughout(run_folder):
    table = pd.read_csv(run_folder / "results.csv")
    exact = table[table["implementation"] == "exact"]
    right = exact["correctly_rounded"] + exact["inherent_underflow"]
    assert (right == exact["elements"]).all() and exact["max_ulp"].max() <= 0.5


@pytest.mark.parametrize("name", ["max-shifted", "naive", "log-sum-exp"])
def test_every_maximum_is_what_mpmath_recomputes_from_its_witness(run_folder, coarse_maps, name):
    table = pd.read_csv(run_folder / "results.csv")
    cells = table[(table["implementation"] == name) & (table["max_ulp"] > 0)]
    for _, cell in cells.groupby(["dtype", "family"]).sample(1, random_state=0).iterrows():
        found = witness.parse(cell["witness"])
        y = implementations()[name](found.block)[found.row, found.index]
        assert recomputed_ulp(found, float(y)) == pytest.approx(cell["max_ulp"], rel=1e-9)


def recomputed_ulp(found, y):
    """|y - z| / ulp(z) by mpmath alone, 400 digits for every row."""
    lowest, precision = (-14, 11) if found.format.name == "float16" else (-126, 24)
    x = [float(v) for v in found.block[found.row].astype(float)]
    with mpmath.workdps(400):
        z = mpmath.exp(x[found.index]) / mpmath.fsum(mpmath.exp(v) for v in x)
        binade = int(mpmath.floor(mpmath.log(z, 2)))
        return float(
            abs(mpmath.mpf(y) - z) / mpmath.mpf(2) ** (max(binade, lowest) + 1 - precision)
        )


def test_a_witness_is_explained(called, run_folder, coarse_maps):
    table = pd.read_csv(run_folder / "results.csv")
    cell = table[(table["implementation"] == "max-shifted") & (table["max_ulp"] > 2)].iloc[-1]
    done = called("explain", cell["witness"], "--implementation", "max-shifted")
    assert done.returncode == 0, done.stderr
    assert f"{cell['max_ulp']:.3g} ulp" in done.stdout and "added most: " in done.stdout


def test_explain_shows_the_three_steps_in_digits(called):
    done = called("explain", "2.0", "1.0", "0.1")
    assert done.returncode == 0, done.stderr
    for digits in ("7.389", "2.718", "1.105", "11.21", "0.6590", "0.2424", "0.0985"):
        assert digits in done.stdout
    assert called("explain", "0", "-1e4", "-inf").returncode == 0


def test_explain_takes_a_row_of_a_file(called, tmp_path):
    np.save(tmp_path / "x.npy", np.array([[1.0, 2.0], [3.0, 4.5]], np.float16))
    done = called("explain", tmp_path / "x.npy", "--row", 1)
    assert done.returncode == 0 and "float16 stores them: 3.0  4.5" in done.stdout


def test_a_report_is_written_again_byte_for_byte(command, run_folder, tmp_path):
    copy = shutil.copytree(run_folder, tmp_path / "run")
    before = {path: path.read_bytes() for path in copy.rglob("*") if path.is_file()}
    assert command("report", copy).returncode == 0
    for path, content in before.items():
        assert path.read_bytes() == content, path


def test_a_run_times_what_it_measures(called, monkeypatch, tmp_path):
    pytest.importorskip("asv_runner", reason="pip install 'softmax-harness[asv]'")
    (tmp_path / "mine.py").write_text(
        "import numpy as np\n"
        "def softmax(x, axis=-1):\n"
        "    e = np.exp(x - x.max(axis, keepdims=True))\n"
        "    return e / e.sum(axis, keepdims=True)\n"
    )
    monkeypatch.setattr(calls, "ROUNDS", 1)
    names = ("max-shifted", "mine.py:softmax")
    options = ("--dtype", "float32", "--family", "normal-1", "--jobs", 1, "--out", "out", "--time")
    done = called("run", *names, *options, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    table = pd.read_csv(tmp_path / "out" / "timings.csv")
    assert set(table["implementation"]) == {*names} and len(table) == 2 * len(calls.LENGTHS)
    assert (table["seconds_q25"] <= table["seconds_q75"]).all()
    assert json.loads((tmp_path / "out" / "run.json").read_text())["options"]["time"] is True
    report = (tmp_path / "out" / "report.md").read_text(encoding="utf-8")
    section = report.partition("## Accuracy against speed")[2].partition("\n## ")[0]
    assert "| mine.py:softmax | float32 |" in section and "not timed" not in section


def test_a_users_file_is_a_family(called, tmp_path):
    np.save(tmp_path / "mine.npy", np.random.default_rng(0).normal(size=(3, 4, 5)))
    words = ("run", "wide", "--family", tmp_path / "mine.npy", "--dtype", "float32", "--jobs", 1)
    done = called(*words, "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    table = pd.read_csv(tmp_path / "out" / "results.csv")
    assert table[["n", "rows", "elements"]].iloc[0].tolist() == [5, 12, 60]


def test_inputs_that_are_computed_elsewhere_are_scored(called, tmp_path):
    words = ("inputs", "--dtype", "float32", "--family", "normal-1", "--out", tmp_path / "in")
    assert called(*words).returncode == 0
    (path,) = (tmp_path / "in").glob("float32-normal-1-n100.npy")
    np.save(tmp_path / "y.npy", implementations()["max-shifted"](np.load(path)))
    done = called("score", path, tmp_path / "y.npy", "--json", tmp_path / "score.json")
    assert done.returncode == 0, done.stderr
    document = json.loads((tmp_path / "score.json").read_text())
    assert document["elements"] == np.load(path).size and 0.5 < document["max_ulp"] < 10


@pytest.mark.skipif(sys.platform != "linux", reason="children are read from /proc; run it on Linux")
@pytest.mark.parametrize(
    "number, code, told",
    [(signal.SIGINT, 130, b"interrupted"), (signal.SIGTERM, 143, b"terminated")],
)
def test_an_interrupt_ends_a_run_and_its_workers_and_leaves_nothing(tmp_path, number, code, told):
    program = "from softmax_harness.cli import main; main()"
    words = [sys.executable, "-c", program, "run", "--suite", "full", "--jobs", "2"]
    started = subprocess.Popen(
        [*words, "--out", tmp_path / "run"],
        stderr=subprocess.PIPE,
        start_new_session=True,
        # Whatever began these tests, such as a shell in the background, may ignore interrupts.
        preexec_fn=lambda: signal.signal(number, signal.SIG_DFL),
    )
    children = Path(f"/proc/{started.pid}/task/{started.pid}/children")
    while started.poll() is None and len(children.read_text().split()) < 3:  # and the tracker's
        time.sleep(0.05)
    os.killpg(started.pid, number)
    _, shown = started.communicate(timeout=60)
    assert started.returncode == code and told + b"; no file was left half-written" in shown
    assert b"Traceback" not in shown and {each.name for each in tmp_path.iterdir()} <= {"run.units"}
    with pytest.raises(ProcessLookupError):
        for _ in range(600):  # what is left goes when it notices, or the test fails
            os.killpg(started.pid, 0)
            time.sleep(0.05)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signal")
def test_a_command_that_is_terminated_while_it_writes_leaves_nothing(tmp_path):
    program = "from softmax_harness.cli import main; main()"
    words = [sys.executable, "-c", program, "inputs", "--suite", "full", "--out", tmp_path / "in"]
    started = subprocess.Popen(words, stderr=subprocess.PIPE)
    while started.poll() is None and not list(tmp_path.glob(".in-*/fresh/*")):
        time.sleep(0.01)
    started.terminate()
    _, shown = started.communicate(timeout=60)
    assert started.returncode == 143 and shown.strip().count(b"\n") == 0
    assert list(tmp_path.iterdir()) == []
