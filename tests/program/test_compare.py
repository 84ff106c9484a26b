"""`softmax-harness compare`: two runs, cell by cell."""

import json
import shutil

import pytest
from softmax_harness.ground.errors import BadFolder
from softmax_harness.run.compare import changes
from softmax_harness.run.results import Run, read

OPTIONS = ("--dtype", "float16", "--family", "normal-1,masked", "--asv", "none")
FEWEST = ("--dtype", "float16", "--family", "ties", "--asv", "none")

FIRST = """
import numpy as np
def softmax(x, axis=-1):
    w = x.astype(np.float64)
    with np.errstate(all="ignore"):
        e = np.exp(w - w.max(axis=axis, keepdims=True))
        return (e / e.sum(axis=axis, keepdims=True)).astype(x.dtype)
"""
SECOND = FIRST.replace(".astype(np.float64)", "")


@pytest.fixture(scope="module")
def runs(run_here, command, once):
    """The same kernel before and after its accumulator became narrow, and other runs."""
    plans = {
        "before": OPTIONS,
        "fewer": ("--dtype", "float16", "--family", "normal-1", "--asv", "none"),
        "seeded": (*FEWEST, "--seed", "7"),
        "held": (*FEWEST, "--standard", "wide"),
        "ties": FEWEST,
        "naive": ("naive", *FEWEST),
        "losses": ("compensated", "--operation", "log_softmax", *FEWEST),
    }

    def make(folder):
        (folder / "kernel.py").write_text(FIRST)
        for name, options in plans.items():
            kernel = () if options[0][0] != "-" else ("kernel.py:softmax",)
            run_here(*kernel, *options, "--out", name, cwd=folder)
        (folder / "kernel.py").write_text(SECOND)
        # In a process of its own, since this one has loaded the first.
        options = (*OPTIONS, "--jobs", "1", "--out", "after")
        done = command("run", "kernel.py:softmax", *options, cwd=folder)
        assert done.returncode == 0, done.stderr

    return once("compared", make)


def test_worse_is_told_with_numbers_and_fails(called, runs, tmp_path):
    path = tmp_path / "changes.json"
    done = called("compare", "before", "after", "--json", path, cwd=runs)
    assert done.returncode == 1, done.stderr
    assert "worse  kernel.py:softmax float16 normal-1 n=2: max_ulp 0.49" in done.stdout
    assert "worse  in " in done.stdout  # what is not shown is counted
    document = json.loads(path.read_text())
    assert document["counts"]["worse"] > 5 and document["counts"]["better"] == 0
    worst = document["changes"][0]
    assert worst["change"] == "worse" and worst["now"] > worst["before"]


def test_better_and_same_pass(called, runs):
    done = called("compare", "after", "before", cwd=runs)
    assert done.returncode == 0
    assert done.stdout.splitlines()[-1].startswith("0 worse, ")
    done = called("compare", "before", "before", cwd=runs)
    assert done.returncode == 0
    assert done.stdout == "0 worse, 0 better, 0 new, 0 gone\n"


def test_cells_that_are_new_or_gone_are_told(called, runs):
    done = called("compare", "before", "fewer", cwd=runs)
    assert done.returncode == 0
    assert "gone   kernel.py:softmax float16 masked n=1\n" in done.stdout
    done = called("compare", "fewer", "before", cwd=runs)
    assert "new    kernel.py:softmax float16 masked n=1\n" in done.stdout


def test_runs_that_cannot_be_compared_are_refused(called, runs):
    done = called("compare", "before", "seeded", cwd=runs)
    assert done.returncode == 2 and "different seeds, 0 and 7" in done.stderr
    done = called("compare", "before", "held", cwd=runs)
    assert done.returncode == 2 and "different standards, none and wide" in done.stderr
    shutil.copytree(runs / "before", runs / "shaped")
    document = json.loads((runs / "shaped" / "run.json").read_text(encoding="utf-8"))
    document["options"]["fit"] = {"causal": 1, "head-dim": 64}
    (runs / "shaped" / "run.json").write_text(json.dumps(document), encoding="utf-8")
    done = called("compare", "before", "shaped", cwd=runs)
    assert (
        done.returncode == 2 and "different shapes, none and --causal --head-dim 64" in done.stderr
    )
    done = called("compare", "before", "gone", cwd=runs)
    assert done.returncode == 2 and "no run.json" in done.stderr


@pytest.mark.parametrize(
    "first, second, told",
    [
        ("ties", "losses", "operation softmax in the first, log_softmax in the second"),
        ("ties", "naive", "same, or name one implementation of each, A:IMPL B:IMPL"),
        ("before", "ties", "family masked, normal-1 in the first, ties in the second"),
    ],
)
def test_runs_without_a_cell_in_common_are_refused(called, runs, tmp_path, first, second, told):
    path, page = tmp_path / "changes.json", tmp_path / "changes.html"
    done = called("compare", first, second, "--json", path, "--html", page, cwd=runs)
    assert done.returncode == 2 and not done.stdout and done.stderr.count("\n") == 1
    assert "the runs have no cell in common: " in done.stderr and told in done.stderr
    assert not path.exists() and not page.exists()


def test_a_cell_of_other_rows_is_none_in_common(runs):
    run = read(runs / "ties")
    table = run.results
    for results, told in (
        (table.assign(rows=table["rows"] + 1), "each has another number of rows"),
        (table.head(0), "the second is empty"),
    ):
        with pytest.raises(BadFolder, match=told):
            changes(run, Run(run.info, {"results": results}))


def test_the_page_has_what_changed_and_nothing_else(called, runs, tmp_path):
    page, same = tmp_path / "changes.html", tmp_path / "same.html"
    assert called("compare", "before", "after", "--html", page, cwd=runs).returncode == 1
    text = page.read_text(encoding="utf-8")
    assert "B is worse than A in " in text and "Each number that is worse in B" in text
    assert "softmax-harness explain float16:normal-1,n=" in text
    assert "default-src &#39;none&#39;" in text or "default-src 'none'" in text
    assert called("compare", "before", "before", "--html", same, cwd=runs).returncode == 0
    quiet = same.read_text(encoding="utf-8")
    assert "B is the same as A in each of the " in quiet and "<table" not in quiet


def test_one_implementation_stands_against_another(called, runs):
    done = called("compare", "before:kernel.py:softmax", "after:kernel.py:softmax", cwd=runs)
    assert done.returncode == 1 and "worse  kernel.py:softmax float16" in done.stdout
    one = called("compare", "before:kernel.py:softmax", "after", cwd=runs)
    assert one.returncode == 2 and "A:IMPL B:IMPL" in one.stderr
    gone = called("compare", "before:kernel.py:softmax", "after:kernel.py:softmx", cwd=runs)
    assert gone.returncode == 2 and "did you mean kernel.py:softmax" in gone.stderr


def test_parts_are_merged_into_one_with_its_report(called, runs, tmp_path):
    out = tmp_path / "whole"
    done = called("merge", "fewer", "before", "--out", out, cwd=runs)
    assert done.returncode == 0, done.stderr
    assert "Runs that were merged" in (out / "report.html").read_text(encoding="utf-8")
    assert called("compare", "before", out, cwd=runs).stdout == "0 worse, 0 better, 0 new, 0 gone\n"


@pytest.mark.parametrize("other, told", [("after", "differ in results.csv"), ("seeded", "seed")])
def test_what_is_no_part_of_the_same_run_is_refused(called, runs, tmp_path, other, told):
    out = tmp_path / "whole"
    done = called("merge", "before", other, "--out", out, cwd=runs)
    assert done.returncode == 2 and told in done.stderr
    assert not out.exists()
