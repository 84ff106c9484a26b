"""Bad input: one clear line, exit code 2, nothing written and nothing lost."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest


@pytest.fixture
def files(tmp_path):
    x = np.zeros((2, 3), np.float32)
    arrays = {
        "x": x,
        "wide": np.zeros((2, 4), np.float32),
        "nan": np.full((2, 3), np.nan, np.float32),
        "complex": x.astype(complex),
        "huge": np.array([[2**60, 1]]),
        "integers": np.array([[1, 0]]),
        "empty": np.zeros((0, 3), np.float32),
        "no_logits": np.zeros((4, 0), np.float32),
        "longdouble": x.astype(np.longdouble),
    }
    for name, array in arrays.items():
        np.save(tmp_path / f"{name}.npy", array)
    np.save(tmp_path / "object.npy", np.array([None, 1]), allow_pickle=True)
    np.savez(tmp_path / "archive.npz", x=x)
    (tmp_path / "archive.npz").rename(tmp_path / "archive.npy")
    (tmp_path / "text.npy").write_text("not an array")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("mine")
    (tmp_path / "dangling").symlink_to("nowhere")
    (tmp_path / "drawn.svg").symlink_to("x.npy")
    (tmp_path / "x.data").write_bytes((tmp_path / "x.npy").read_bytes())
    (tmp_path / "kernel.py").write_text("import numpy as np\ndef softmax(x): return np.exp(x)")
    (tmp_path / "pyproject.toml").write_text("")
    (tmp_path / "base.json").write_text("{}")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "run.json").write_text('{"schema": 1, "options": {}, "files": ["i.npy"]}')
    np.save(tmp_path / "in" / "i.npy", x)
    (tmp_path / "in" / "float16-x-n3.npy").write_text("mine")
    return tmp_path


CASES = {
    "unknown implementation": (["run", "max-shiftd"], "did you mean max-shifted?"),
    "unknown dtype": (["run", "--dtype", "float23"], "did you mean float32?"),
    "unknown family": (["run", "--family", "norml-1"], "did you mean normal-1?"),
    "unknown verb": (["rum"], "run"),
    "unknown option": (["run", "--sead", "1"], "--seed"),
    "dtype of none": (["run", "naive", "--dtype", "bfloat16"], "bfloat16"),
    "foreign folder": (["run", "--out", "mine"], "something other than a run"),
    "inputs for a run": (["run", "--out", "in"], "something other than a run"),
    "a file of another": (
        ["inputs", "--dtype", "float16", "--family", "x.npy", "--out", "in"],
        "in/float16-x-n3.npy would be replaced",
    ),
    "inputs over inputs": (["inputs", "--family", "in/i.npy", "--out", "in"], "in/i.npy is read"),
    "two of one name": (["inputs", "--family", "x.npy,in/../x.npy"], "under one name"),
    "a link to nothing": (["run", "--out", "dangling"], "dangling is a link to nothing"),
    "a folder of too long a name": (["run", "--out", "x" * 250], "File name too long"),
    "a file for a folder": (["run", "--out", "x.npy"], "is a file"),
    "folder under a file": (["run", "--out", "x.npy/out"], "x.npy"),
    "no run": (["report", "mine"], "no run.json"),
    "missing family": (["run", "--family", "gone.npy"], "gone.npy: no such file"),
    "family of objects": (["run", "--family", "object.npy"], "object.npy"),
    "family of NaN": (["run", "--family", "nan.npy"], "every value is NaN"),
    "empty family": (["run", "--family", "empty.npy"], "empty"),
    "family of rows of nothing": (
        ["run", "--family", "no_logits.npy"],
        "of shape (4, 0); expected rows of at least one logit, along its last axis",
    ),
    "inputs of rows of nothing": (
        ["inputs", "--family", "no_logits.npy", "--operation", "logsumexp"],
        "of shape (4, 0); expected rows",
    ),
    "a row of nothing": (["explain", "no_logits.npy"], "of shape (4, 0); expected rows"),
    "family of complex": (["run", "--family", "complex.npy"], "complex128"),
    "missing file": (["score", "gone.npy", "x.npy"], "gone.npy: no such file"),
    "objects": (["score", "object.npy", "x.npy"], "object.npy"),
    "text": (["score", "text.npy", "x.npy"], "text.npy"),
    "archive": (["score", "archive.npy", "x.npy"], "archive"),
    "shapes": (["score", "x.npy", "wide.npy"], "(2, 3)"),
    "axis": (["score", "x.npy", "x.npy", "--axis", "2"], "--axis 2"),
    "huge axis": (["score", "x.npy", "x.npy", "--axis", "9" * 30], "--axis 999"),
    "nothing but NaN": (["score", "nan.npy", "x.npy"], "every value is NaN"),
    "complex": (["score", "x.npy", "complex.npy"], "complex128"),
    "integers as outputs": (["score", "integers.npy", "integers.npy"], "int64"),
    "inexact integers": (["score", "huge.npy", "huge.npy"], "int64"),
    "long double": (["score", "longdouble.npy", "x.npy"], "float128"),
    "empty": (["score", "empty.npy", "empty.npy"], "nothing to judge"),
    "nothing in each row": (["score", "no_logits.npy", "no_logits.npy"], "nothing to judge"),
    "policy": (["score", "x.npy", "x.npy", "--policy", "all=zero"], "all-masked"),
    "json into nowhere": (["score", "x.npy", "x.npy", "--json", "gone/s.json"], "gone"),
    "json over an input": (["score", "x.data", "x.npy", "--json", "x.data"], "would overwrite"),
    "json over X": (["score", "x.npy", "nan.npy", "--json", "x.npy"], "what this command reads"),
    "json over an array": (
        ["score", "x.npy", "x.npy", "--json", "wide.npy"],
        "a file that is no document",
    ),
    "a name of lines": (["check", "a.py:f\npass", "b.py:f"], "without line breaks"),
    "a message of lines": (["score", "a\x1b[31m\nb.npy", "x.npy"], "a\ufffd[31m\ufffdb.npy"),
    "json over a table": (["compare", "in", "in", "--json", "in/run.json"], "would overwrite"),
    "json over the kernel": (
        ["check", "kernel.py:softmax", "--json", "kernel.py"],
        "kernel.py would overwrite a file that is no document",
    ),
    "junit over the settings": (
        ["check", "exact", "--junit", "pyproject.toml"],
        "pyproject.toml would overwrite a file",
    ),
    "markdown over the baseline": (
        ["check", "exact", "--baseline", "base.json", "--markdown", "mine/../base.json"],
        "--markdown mine/../base.json would overwrite",
    ),
    "baseline over the kernel": (
        ["check", "kernel.py:softmax", "--baseline", "kernel.py", "--update-baseline"],
        "kernel.py would overwrite a file that is no document",
    ),
    "baseline and json in one": (
        ["check", "exact", "--json", "new", "--baseline", "new", "--update-baseline"],
        "--json and --baseline name one file, new",
    ),
    "two documents in one": (
        ["check", "exact", "--json", "new", "--junit", "./new"],
        "--json and --junit name one file, new",
    ),
    "figure over the file": (
        ["explain", "x.npy", "--figure", "drawn.svg"],
        "what this command reads",
    ),
    "a file of too long a name": (
        ["score", "x.npy", "x.npy", "--json", "x" * 300],
        "File name too long",
    ),
    "no names": (["check", "exact", "--dtype", ""], "--dtype '': expected names between commas"),
    "commas alone": (["run", "--family", " ,"], "--family ' ,': expected names between commas"),
    "another dtype than the file's": (
        ["score", "x.npy", "x.npy", "--x-dtype", "bfloat16"],
        "where --x-dtype says bfloat16",
    ),
    "no number": (["explain", "two"], "'two' is not a number"),
    "no result": (["explain", "float32:1,2"], "add @INDEX, such as @0"),
    "a family": (["explain", "normal-1"], "such as float32:normal-10,n=100,rows=4,seed=0@0,0"),
    "no place": (["explain", "float32:normal-1,n=3,rows=1,seed=0"], "lacks @ROW,INDEX"),
    "no rows": (["explain", "float32:normal-1,n=3@0,0"], "lacks rows= and seed="),
    "no dtype": (["explain", "float31:normal-1,n=3,rows=1,seed=0@0,0"], "did you mean float32"),
    "two witnesses": (["explain", *["float32:1@0"] * 2], "2 words were given: give it alone"),
    "an implementation": (["explain", "naive"], "and --implementation naive"),
    "a dtype": (["explain", "float32"], "expected numbers, and --dtype float32"),
    "another option": (["explain", "1", "--index"], "there is no option --index"),
    "another file": (["explain", "x.csv"], "expected one written by numpy.save"),
    "no numbers": (["explain", ","], "holds no number"),
    "witness out of range": (["explain", "float32:normal-1,n=3,rows=1,seed=0@5,0"], "outside"),
    "witness of no row": (
        ["explain", "float32:zeros,n=99999999999999999999,rows=1,seed=0@0,0"],
        "is not the text of a recipe",
    ),
    "audit of other digits": (["audit", "ulp(3)", "--shape", "\u00b2,3"], "expected ROWS,N"),
    "audit of too much": (["audit", "ulp(3)", "--shape", "1000000,100000"], "in all"),
    "witness of no family": (["explain", "float32:norml,n=3,rows=1,seed=0@0,0"], "family"),
    "row of no file": (["explain", "1", "2", "--row", "1"], "--row 1"),
    "row out of range": (["explain", "x.npy", "--row", "7"], "row 7"),
    "an operand twice": (
        ["explain", "1", "2", "--operation", "cross_entropy", "--operand", "target=1"]
        + ["--target", "1"],
        "target was given by --operand and by --target",
    ),
    "logits of what takes none": (
        ["explain", "2", "1", "--operation", "attention"],
        "takes no logits: expected --q, --k, --v, --mask, or a WITNESS",
    ),
    "negative seed": (["run", "--seed", "-1"], "-1"),
}


@pytest.mark.parametrize("words, part", CASES.values(), ids=CASES)
def test_one_line_exit_2_and_nothing_written(called, files, words, part):
    before = {path: path.read_bytes() for path in files.rglob("*") if path.is_file()}
    done = called(*words, cwd=files)
    assert done.returncode == 2, done.stderr
    assert part in done.stderr
    assert done.stderr.count("\n") == 1 and "Traceback" not in done.stderr
    assert done.stdout == ""
    after = {path: path.read_bytes() for path in files.rglob("*") if path.is_file()}
    assert after == before


@pytest.mark.parametrize("operation", ["softmax", "attention"])
def test_a_file_that_lacks_a_module_is_told_so_of_every_operation(called, tmp_path, operation):
    (tmp_path / "lacking.py").write_text("import nothing_of_that_name")
    done = called("run", "lacking.py:f", "--operation", operation, cwd=tmp_path)
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert "lacking.py:f cannot run here: it needs nothing_of_that_name" in done.stderr


def test_what_no_memory_holds_is_one_line(called):
    done = called("explain", "float64:normal-1,n=900000000000000,rows=1,seed=0@0,0")
    assert done.returncode == 3 and done.stderr.count("\n") == 1
    assert "there is not enough memory for what was asked" in done.stderr


def test_a_run_is_replaced_and_nothing_else(called, files):
    words = ("run", "exact", "--family", "ties", "--dtype", "float16", "--jobs", 1)
    words = (*words, "--out", files / "run")
    assert called(*words).returncode == 0
    first = json.loads((files / "run" / "run.json").read_text())
    (files / "run" / "notes.txt").write_text("mine")
    assert called(*words, "--seed", "3").returncode == 0
    second = json.loads((files / "run" / "run.json").read_text())
    assert (first["options"]["seed"], second["options"]["seed"]) == (0, 3)
    (files / "run" / "report.md").unlink()
    done = called("report", ".", cwd=files / "run")
    assert done.returncode == 0, done.stderr
    assert json.loads((files / "run" / "run.json").read_text()) == second
    there = [path for path in (files / "run").rglob("*") if path.is_file()]
    names = {path.relative_to(files / "run").as_posix() for path in there}
    assert names == {"notes.txt", "run.json", *second["files"]} and "report.md" in names


def test_a_summary_that_cannot_be_written_is_refused_at_once(called, files, monkeypatch):
    for name in ("mine", "gone/summary.md"):
        monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(files / name))
        done = called("check", "exact", "--json", "new.json", cwd=files)
        assert (done.returncode, done.stderr.count("\n"), done.stdout) == (2, 1, "")
        assert f"GITHUB_STEP_SUMMARY names {files / name}, which cannot be written" in done.stderr
    assert not (files / "new.json").exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_results_that_cannot_be_written_are_one_line(files):
    program = "from softmax_harness.cli import main; main()"
    with open("/dev/full", "w") as full:
        words = [sys.executable, "-c", program, "explain", "1", "2"]
        done = subprocess.run(words, check=False, stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 2
    told = "softmax-harness: the results cannot be written: No space left on device\n"
    assert done.stderr == told
