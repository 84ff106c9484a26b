"""A run is the same, bit for bit, for any number of processes, and reads back as it was written."""

import json

import pandas as pd
import pytest
from softmax_harness.errors import BadFolder
from softmax_harness.results import COLUMNS, read, replacing, write
from softmax_harness.run import Options, make_run

OPTIONS = {
    "implementations": ("max-shifted", "naive"),
    "dtypes": ("float32",),
    "families": ("normal-10", "scale-plane", "masked", "digits"),
}


@pytest.fixture(scope="module")
def run():
    return make_run(Options(**OPTIONS))


def files(run, folder):
    folder.mkdir()
    write(run, folder)
    return {path.name: path.read_bytes() for path in folder.glob("*.csv")}


def test_any_number_of_jobs_writes_the_same_bytes(run, tmp_path):
    other = make_run(Options(**OPTIONS, jobs=2))
    assert files(run, tmp_path / "one") == files(other, tmp_path / "two")


def test_what_is_written_reads_back_exactly(run, tmp_path):
    files(run, tmp_path / "out")
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


def test_nulls_and_infinities_of_the_document_are_text(run):
    json.dumps(run.info, allow_nan=False)
