"""The command as a user types it, bad input included."""

import subprocess
import sys

import mpmath
import pandas as pd
import pytest
from softmax_harness import witness
from softmax_harness.outcomes import OUTCOMES
from softmax_implementations import implementations


def command(*words):
    program = "from softmax_harness.cli import main; main()"
    argv = [sys.executable, "-c", program, *words]
    return subprocess.run(argv, check=False, capture_output=True, text=True)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run") / "out"
    done = command("run", "--out", str(folder), "naive", "max-shifted", "--dtype", "float32")
    assert done.returncode == 0, done.stderr
    return folder


def test_list_names_every_implementation():
    done = command("list")
    assert done.returncode == 0 and all(name in done.stdout for name in implementations())


def test_outcomes_partition_the_elements(run):
    table = pd.read_csv(run / "results.csv")
    assert (table[list(OUTCOMES)].sum(axis=1) == table["elements"]).all()
    assert "<img" in (run / "report.html").read_text()


def test_every_maximum_is_what_mpmath_recomputes_from_its_witness(run):
    table = pd.read_csv(run / "results.csv")
    cells = table[(table["implementation"] == "max-shifted") & table["max_ulp"].notna()]
    for _, cell in cells.groupby("family").sample(1, random_state=0).iterrows():
        found = witness.parse(cell["witness"])
        y = implementations()["max-shifted"](found.block)[found.row, found.index]
        x = found.block[found.row].astype(float)
        with mpmath.workdps(80):
            z = mpmath.exp(x[found.index]) / mpmath.fsum(mpmath.exp(v) for v in x)
            binade = int(mpmath.floor(mpmath.log(z, 2))) if z else -126
            error = abs(mpmath.mpf(float(y)) - z) / mpmath.mpf(2) ** (max(binade, -126) - 23)
        assert float(error) == pytest.approx(cell["max_ulp"], rel=1e-9)


def test_bad_requests_are_one_line_and_exit_2(tmp_path):
    (tmp_path / "letter.txt").write_text("mine")
    for words, part in (
        (("run", "max-shiftd"), "did you mean max-shifted?"),
        (("run", "--dtype", "float23"), "did you mean float32?"),
        (("run", "naive", "--dtype", "float16", "--out", str(tmp_path)), "something other"),
    ):
        done = command(*words)
        assert done.returncode == 2 and part in done.stderr
        assert done.stderr.count("\n") == 1 and "Traceback" not in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


def test_explain_shows_the_three_steps_in_digits():
    done = command("explain", "2.0", "1.0", "0.1")
    assert done.returncode == 0, done.stderr
    for digits in ("7.389", "2.718", "1.105", "11.21", "0.6590", "0.2424", "0.0985"):
        assert digits in done.stdout
    assert command("explain", "0", "-1e4", "-inf").returncode == 0
    assert command("explain", "two").returncode == 2
