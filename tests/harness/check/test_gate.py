"""The settings of a project, and its waivers."""

import datetime
import math
from dataclasses import replace

import pytest
from softmax_harness.check.contract import Checked, Finding
from softmax_harness.check.contract.promises import Limit
from softmax_harness.check.gate.settings import Settings, found_settings
from softmax_harness.check.gate.spoken_of import check_names
from softmax_harness.check.gate.tolerance import Tolerance
from softmax_harness.check.gate.waiver import Waiver, waived
from softmax_harness.ground.errors import BadSettings, HarnessError

TODAY = datetime.date(2030, 6, 15)
OVERFLOW = Finding(
    "overflow", "gives nan", "max_ulp", math.nan, 3.5, "float32:0x1p+7@0", "replay it"
)
PASSED = Checked("kernel.py:f", "float32", "pass", elements=9)


def failed(*findings, **fields):
    return replace(PASSED, verdict="fail", findings=findings, **fields)


def settings(tmp_path, text):
    (tmp_path / "pyproject.toml").write_text(text, encoding="utf-8")
    return found_settings(tmp_path)


def test_the_settings_of_a_project(tmp_path):
    found = settings(
        tmp_path,
        """
        [tool.softmax-harness]
        implementations = ["kernel.py:f"]
        dtypes = ["float32"]
        baseline = "ci/baseline.json"
        [[tool.softmax-harness.limits]]
        max_ulp = 4
        family = "normal-1"
        dtype = "float32"
        [[tool.softmax-harness.waivers]]
        kind = "overflow"
        reason = "issue 12"
        expires = 2030-01-31
        implementation = "kernel.py:f"
        """,
    )
    assert found.implementations == ("kernel.py:f",) and found.dtypes == ("float32",)
    assert found.baseline == tmp_path / "ci" / "baseline.json"
    assert found.limits == (Limit("max_ulp", 4.0, None, "float32", "normal-1"),)
    (waiver,) = found.waivers
    assert waiver.expires == datetime.date(2030, 1, 31) and waiver.dtype is None


def test_the_nearest_table_above_counts_and_none_is_no_fault(tmp_path):
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    settings(tmp_path, '[tool.softmax-harness]\ndtypes = ["float16"]\n')
    assert found_settings(below).dtypes == ("float16",)
    (tmp_path / "a" / "pyproject.toml").write_text("[project]\n", encoding="utf-8")
    assert found_settings(below).dtypes == ("float16",)
    for text in ("", "[project]\n", "tool = 3\n", "[tool.other]\n"):
        assert settings(tmp_path, text) == Settings()


LIMIT, WAIVER = "[[tool.softmax-harness.limits]]\n", "[[tool.softmax-harness.waivers]]\n"
FULL = 'kind = "overflow"\nreason = "known"\nexpires = 2030-01-31\n'
TABLE = "[tool.softmax-harness]\n"


@pytest.mark.parametrize(
    "text, part",
    [
        ("[tool", "cannot be read as TOML"),
        ("[tool]\nsoftmax-harness = 3\n", "expected a table"),
        (TABLE + 'implementation = ["f"]', "did you mean implementations?"),
        (TABLE + 'implementations = "kernel.py:f"', "expected a list of strings"),
        (TABLE + "dtypes = [32]", "expected a list of strings"),
        ("[tool.softmax_harness]\n", "write [tool.softmax-harness]"),
        ("[tool.softmaxharness]\n", "write [tool.softmax-harness]"),
        ("[tool.sofmax-harness]\n", "write [tool.softmax-harness]"),
        ("[tool.softmax_harness]\n[[tool.softmax-harness.waivers]]\n", "[tool.softmax_harness] is"),
        ("[softmax-harness]\n", "write [tool.softmax-harness]"),
        (TABLE + "implementations = []", "expected a name at least"),
        (TABLE + "dtypes = []", "expected a name at least"),
        (TABLE + "strict = 1", "expected true or false"),
        (TABLE + "tolerance = 0.05", "expected a table such as"),
        (TABLE + "tolerance = {relativ = 0.05}", "did you mean relative?"),
        (TABLE + "tolerance = {ulp = -1}", "expected a number, 0 or more"),
        (TABLE + "tolerance = {ulp = inf}", "expected a number, 0 or more"),
        (TABLE + "tolerance = {ulp = true}", "expected a number, 0 or more"),
        (TABLE + "baseline = 3", "expected the path of a file"),
        (TABLE + "limits = 3", "[[tool.softmax-harness.limits]]"),
        ("[tool.softmax-harness.limits]\nmax_ulp = 4", "[[tool.softmax-harness.limits]]"),
        (LIMIT, "one metric in each"),
        (LIMIT + "max_ulp = 4\nmean = 1", "one metric in each"),
        (LIMIT + "max_ulps = 4", "expected METRIC=NUMBER"),
        (LIMIT + "max_ulp = true", "expected METRIC=NUMBER"),
        (LIMIT + "max_ulp = nan", "expected METRIC=NUMBER"),
        (LIMIT + "max_ulp = -1", "expected METRIC=NUMBER"),
        (LIMIT + "max_ulp = 4\ndtype = 32", "expected a string"),
        (LIMIT + 'max_ulp = 4\ndtype = "float23"', "did you mean float32?"),
        (LIMIT + 'max_ulp = 4\nfamily = "norml-1"', "did you mean normal-1?"),
        (WAIVER + FULL.replace("kind", "kinds"), "did you mean kind?"),
        (WAIVER + FULL.replace('"known"', '" "'), "a string that is not empty"),
        (WAIVER + FULL.replace('reason = "known"\n', ""), "waivers: reason is None"),
        (WAIVER + FULL.replace("2030-01-31", '"2030-01-31"'), "unquoted"),
        (WAIVER + FULL.replace("2030-01-31", "2030-01-31T10:00:00"), "a date such as"),
        (WAIVER + FULL.replace("expires = 2030-01-31\n", ""), "waivers: expires is None"),
        (WAIVER + FULL + "implementation = 3", "expected a string"),
        (WAIVER + FULL + 'dtype = "float23"', "did you mean float32?"),
    ],
)
def test_a_bad_table_is_one_line_that_names_the_file(tmp_path, text, part):
    with pytest.raises(HarnessError) as raised:
        settings(tmp_path, text)
    told = str(raised.value)
    assert part in told and "pyproject.toml" in told and "\n" not in told


@pytest.mark.parametrize("kind", ["limits", "waivers"])
def test_a_limit_or_waiver_of_nothing_that_is_there_is_refused(kind):
    each = Limit("max_ulp", 0.0, "godo.py:f") if kind == "limits" else waiver(implementation="g")
    told = Settings(("good.py:f",), **{kind: (each,)})
    with pytest.raises(BadSettings, match=f"{kind}: no implementation is named"):
        check_names(("max-shifted",), told, "softmax")
    assert check_names(
        ("max-shifted",), Settings(limits=(Limit("max_ulp", 0.0, "wide"),)), "softmax"
    )


def test_a_file_is_one_however_its_path_is_written(tmp_path, monkeypatch):
    """Or a limit, a waiver and the baseline would hold for one way to write it alone."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "kernel.py").touch()
    text = TABLE + (
        'implementations = ["./kernel.py:f"]\n'
        "[[tool.softmax-harness.limits]]\nimplementation = '././kernel.py:f'\nmax_ulp = 1\n"
        "[[tool.softmax-harness.waivers]]\nimplementation = './kernel.py:f'\nkind = 'overflow'\n"
        "reason = 'known'\nexpires = 2999-12-31\n"
    )
    told = settings(tmp_path, text)
    assert {told.limits[0].implementation, told.waivers[0].implementation} == {"kernel.py:f"}
    for written in ((), ("kernel.py:f",), ("./kernel.py:f",), (f"{tmp_path}/kernel.py:f",)):
        assert check_names(written, told, "softmax") == ("kernel.py:f",)


def test_a_path_of_the_settings_counts_from_their_folder(tmp_path):
    told = Settings(("gone.py:f",), folder=tmp_path)
    with pytest.raises(BadSettings, match="run the command there") as raised:
        check_names((), told, "softmax")
    assert "pyproject.toml" in str(raised.value)


def test_a_tolerance_is_read(tmp_path):
    found = settings(tmp_path, TABLE + "strict = true\ntolerance = {relative = 0.05, ulp = 1}\n")
    assert found.strict and found.tolerance == Tolerance(0.05, 1)


def test_a_file_that_is_no_text_is_one_line(tmp_path):
    (tmp_path / "pyproject.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(HarnessError, match="cannot be read as TOML"):
        found_settings(tmp_path)


# Waivers


def waiver(kind="overflow", days=1, **where):
    return Waiver(kind, "issue 12", TODAY + datetime.timedelta(days), **where)


@pytest.mark.parametrize("days", [0, 1])
def test_a_finding_is_borne_until_the_day_and_on_it(days):
    found = waived([failed(OVERFLOW)], (waiver(days=days),), TODAY)
    assert [(each.verdict, each.findings) for each in found.results] == [("pass", ())]
    assert "waived until" in found.notes[0] and "issue 12" in found.notes[0]


def test_an_expired_waiver_bears_nothing_and_says_so():
    found = waived([failed(OVERFLOW)], (waiver(days=-1),), TODAY)
    assert found.results == [failed(OVERFLOW)]
    assert found.notes == ["waiver expired on 2030-06-14: overflow (issue 12)"]


@pytest.mark.parametrize(
    "where", [{"implementation": "kernel.py:g"}, {"dtype": "float16"}, {"kind": "nan"}]
)
def test_a_waiver_bears_nothing_else(where):
    assert waived([failed(OVERFLOW)], (waiver(**where),), TODAY).results[0].verdict == "fail"


def test_other_findings_still_fail():
    nan = replace(OVERFLOW, kind="nan")
    (left,) = waived([failed(OVERFLOW, nan)], (waiver(),), TODAY).results
    assert left.verdict == "fail" and left.findings == (nan,)


def test_a_waiver_that_matches_nothing_is_to_be_taken_out_if_its_subject_was_checked():
    (note,) = waived([PASSED], (waiver(implementation="kernel.py:f"),), TODAY).notes
    assert note.startswith("waiver matches nothing, remove it: overflow of kernel.py:f")
    assert not waived([PASSED], (waiver(implementation="kernel.py:g"),), TODAY).notes


def test_a_waiver_of_a_misspelt_kind_is_told_which_one_is_near():
    (note,) = waived([failed(OVERFLOW)], (waiver(kind="overfow"),), TODAY).notes
    assert note == "waiver matches nothing: overfow (issue 12); did you mean overflow?"


def test_a_waiver_that_a_verdict_ended_before_may_match():
    nan = replace(OVERFLOW, kind="nan")
    ended = replace(failed(nan), is_whole=False)
    assert not waived([ended], (waiver(),), TODAY).notes
