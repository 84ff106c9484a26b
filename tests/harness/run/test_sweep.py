"""A run reads back as it was written, and both tiers of truth give the same one."""

import json
from dataclasses import replace

import pandas as pd
import pytest
from softmax_harness.ground.errors import BadFolder
from softmax_harness.ground.files import replacing
from softmax_harness.inputs.families import FAMILIES, planes
from softmax_harness.inputs.suites import SUITES, families_of
from softmax_harness.run.options import Options
from softmax_harness.run.results import COLUMNS, read, write
from softmax_harness.truth import arbiter


def test_what_is_written_reads_back_exactly(run, written, tmp_path):
    written(run, tmp_path / "out")
    again = read(tmp_path / "out")
    assert tuple(again.results.columns) == COLUMNS
    for name, table in run.tables.items():
        expected = table.reset_index(drop=True).replace({"": None})
        found = again.tables[name].astype(object).where(again.tables[name].notna(), None)
        expected = expected.astype(object).where(expected.notna(), None)
        pd.testing.assert_frame_equal(found, expected, check_dtype=False, check_exact=True)


def test_a_folder_that_is_no_run_is_told_from_one_that_is(run, tmp_path):
    with pytest.raises(BadFolder, match=r"no run\.json"):
        read(tmp_path)
    (tmp_path / "run.json").write_text("{")
    with pytest.raises(BadFolder, match="cannot be read"):
        read(tmp_path)
    (tmp_path / "run.json").write_text(json.dumps({"schema": 99, "options": {}}))
    with pytest.raises(BadFolder, match="schema 99"):
        read(tmp_path)


@pytest.mark.parametrize("name", ["results", "planes", "histograms"])
def test_a_file_that_was_cut_or_changed_is_noticed(run, written, tmp_path, name):
    written(run, tmp_path / "out")
    path = tmp_path / "out" / f"{name}.csv"
    content = path.read_bytes()
    lines = content.splitlines(keepends=True)
    for changed in (b"".join(lines[:-1]), content[:-7], content.replace(b"7", b"8", 1), b""):
        path.write_bytes(changed)
        with pytest.raises(BadFolder, match=f"{name}.csv has changed since the run wrote it"):
            read(tmp_path / "out")
    path.unlink()
    with pytest.raises(BadFolder):
        read(tmp_path / "out")


def test_a_failure_leaves_what_was_there(run, tmp_path):
    out = tmp_path / "out"
    with replacing(out) as folder:
        write(run, folder)
    before = sorted(path.name for path in out.iterdir())
    with pytest.raises(ZeroDivisionError), replacing(out) as folder:
        (folder / "half").write_text("half")
        raise ZeroDivisionError
    assert sorted(path.name for path in out.iterdir()) == before
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.fixture
def few_rows(monkeypatch):
    """The quick suite with all its families and lengths, and fewer draws of each."""
    suite = replace(SUITES["quick"], elements=64, fewest=1, most=2)
    monkeypatch.setitem(SUITES, "quick", suite)
    monkeypatch.setattr(planes, "_ROWS", 2)
    for family in planes.FAMILIES:
        monkeypatch.setitem(FAMILIES, family.name, replace(family, rows=2))


@pytest.fixture
def rows_arbitrated_once(monkeypatch):
    """What mpmath has decided about a row for one run it need not decide again for the other."""
    decided, known = arbiter._decided_row, {}

    def look_up(problem, x, operands, open_):
        key = (problem, x.tobytes(), *(each.tobytes() for each in operands), *open_)
        if key not in known:
            known[key] = decided(problem, x, operands, open_)
        return known[key]

    monkeypatch.setattr(arbiter, "_decided_row", look_up)


@pytest.mark.slow
@pytest.mark.parametrize("name, dtype", [("max-shifted", "float64"), ("naive", "float16")])
def test_both_tiers_of_truth_give_the_same_results(
    made, few_rows, rows_arbitrated_once, name, dtype
):
    """Counts, outcomes, maxima and witnesses the same, means to 1e-9, wherever the suite goes."""
    chosen = Options((name,), (dtype,))
    screened, alone = made(chosen), made(replace(chosen, truth="mpmath"))
    assert screened.info["counts"]["screened"] > screened.info["counts"]["elements"] / 2
    assert alone.info["counts"]["screened"] == 0
    found, expected = screened.results, alone.results
    assert {*found["family"]} == {each.name for each in families_of(SUITES["quick"])}
    assert len(found) > 250
    means = ["mean_ulp", "p99_ulp", "bias_ulp"]
    pd.testing.assert_frame_equal(found.drop(columns=means), expected.drop(columns=means))
    pd.testing.assert_frame_equal(found[means], expected[means], rtol=1e-9, atol=1e-9)


def test_nulls_and_infinities_of_the_document_are_text(run):
    json.dumps(run.info, allow_nan=False)


NARROW = '''
import ml_dtypes
import numpy as np
from softmax_implementations.registry import implementation


@implementation("narrow", dtypes=("float32",), output_dtype="bfloat16")
def narrow(x, axis=-1):
    """float32 in, bfloat16 out, rounded once."""
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return (e / e.sum(axis=axis, keepdims=True)).astype(ml_dtypes.bfloat16)
'''


def test_each_is_judged_in_the_format_of_its_results(made, tmp_path):
    """Beside one that answers in float32: two problems, on the same inputs."""
    (tmp_path / "kernel.py").write_text(NARROW, encoding="utf-8")
    names = (f"{tmp_path / 'kernel.py'}:narrow", "max-shifted")
    found = made(Options(names, ("float32",), ("normal-10",))).results
    assert {*found["dtype"]} == {"float32"} and {*found["implementation"]} == {*names}
    narrow = found[found["implementation"] == names[0]]
    assert narrow["max_ulp"].max() < 0.51
    assert narrow["inaccurate"].sum() == 0 and narrow["elements"].sum() > 10_000
    plain = found[found["implementation"] == "max-shifted"]
    assert (plain["max_ulp"] > 1).any()
