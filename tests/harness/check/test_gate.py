"""The gate: settings, waivers, baselines, and the documents that tell the outcome."""

import datetime
import json
import math
import sys
import threading
from dataclasses import replace

import junitparser
import pytest
from softmax_harness.check.contract import PARTS, Checked, Contract, Finding
from softmax_harness.check.contract.promises import Limit
from softmax_harness.check.contract.suite import recipes
from softmax_harness.check.contract.summaries import RecipeSummary, name_of
from softmax_harness.check.documents.annotations import annotation_lines
from softmax_harness.check.documents.as_json import json_document
from softmax_harness.check.documents.junit import junit_document
from softmax_harness.check.documents.markdown import markdown_document
from softmax_harness.check.documents.source import place_of
from softmax_harness.check.documents.terminal import text_document
from softmax_harness.check.gate import stored
from softmax_harness.check.gate.baseline import Baseline, entry_of
from softmax_harness.check.gate.gated import Gated, held_against
from softmax_harness.check.gate.regression import Held, left_out
from softmax_harness.check.gate.regression import compared as compared_as
from softmax_harness.check.gate.settings import Settings, found_settings
from softmax_harness.check.gate.spoken_of import check_names
from softmax_harness.check.gate.tolerance import Tolerance
from softmax_harness.check.gate.waiver import Waiver, waived
from softmax_harness.ground.errors import BadBaseline, BadSettings, HarnessError
from softmax_harness.ground.formats import format_named
from softmax_harness.operations import OPERATIONS, Problem
from softmax_harness.subjects.isolation import Limits

TODAY = datetime.date(2030, 6, 15)
OVERFLOW = Finding(
    "overflow", "gives nan", "max_ulp", math.nan, 3.5, "float32:0x1p+7@0", "replay it"
)
CELL = RecipeSummary("normal-1,n=8,rows=64", 1.5, 0.25, ("inaccurate",), "float32:0x1p+0,0x0p+0@1")
OTHER = RecipeSummary("ties,n=2,rows=64", 0.5, 0.1, (), "float32:0x1p+0,0x0p+0@0")
PASSED = Checked("kernel.py:f", "float32", "pass", cells=(CELL, OTHER), elements=9)


def failed(*findings, **fields):
    return replace(PASSED, verdict="fail", findings=findings, **fields)


# Settings


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


# Baselines


def taken(*results, seed=0):
    return Baseline(seed, {each.key: (entry_of(each),) for each in results})


def compared(results, baseline, seed=0, **held):
    return compared_as(results, baseline, Held(seed, **held))


def test_a_baseline_comes_back_from_its_file_and_has_a_line_for_each_cell(tmp_path):
    path = tmp_path / "baseline.json"
    said = {"standard": "wide", "output_dtype": "float32"}
    several = taken(failed(OVERFLOW), replace(PASSED, dtype="float16", **said), seed=3)
    text = stored.text_of(several)
    path.write_text(text, encoding="utf-8")
    back = stored.read(path)
    assert back.seed == 3 and back.entries.keys() == several.entries.keys()
    (entry,) = back.entries[PASSED.key]
    assert entry.findings == ("overflow",)
    assert entry.cells[CELL.name] == replace(CELL, witness="")
    assert sum(CELL.name in line for line in text.splitlines()) == 2
    assert stored.text_of(back) == text


def test_operations_share_a_baseline_and_their_names_do_not_meet(tmp_path):
    path = tmp_path / "baseline.json"
    others = (replace(PASSED, operation="logsumexp"), replace(PASSED, operation="gradient"))
    several = taken(PASSED, *others)
    path.write_text(stored.text_of(several), encoding="utf-8")
    assert stored.read(path).entries.keys() == several.entries.keys()
    assert len(several.entries) == 3


@pytest.mark.parametrize(
    "text, part",
    [
        (None, "no such baseline; make it with"),
        ("", "cannot be read"),
        ("[]", "cannot be read"),
        ("{}", "cannot be read"),
        ('{"schema": 99}', "schema 99, expected 2"),
        ('{"schema": 1, "seed": 0, "results": {"f": {"float32": {}}}}', "cannot be read"),
        ('{"schema": 1, "seed": 0, "results": 3}', "cannot be read"),
    ],
)
def test_a_bad_baseline_is_one_line_that_says_what_to_do(tmp_path, text, part):
    path = tmp_path / "baseline.json"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    with pytest.raises(BadBaseline) as raised:
        stored.read(path)
    told = str(raised.value)
    assert part in told and str(path) in told and "\n" not in told
    assert "--update-baseline" in told


def test_the_same_again_is_no_regression():
    found = compared([PASSED], taken(PASSED), 0)
    assert found.results == [PASSED] and not found.notes


def regression(found):
    (result,) = found.results
    assert result.verdict == "fail"
    return result.findings[-1]


@pytest.mark.parametrize("metric", ["max_ulp", "mean_ulp"])
def test_a_worse_cell_is_a_regression(metric):
    worse = replace(CELL, **{metric: 2.0})
    finding = regression(compared([replace(PASSED, cells=(worse, OTHER))], taken(PASSED), 0))
    assert finding.kind == "regression" and finding.witness == CELL.witness
    assert f"{metric} in {CELL.name} was" in finding.message and "is 2" in finding.message
    assert "explain" in finding.replay


def test_rounding_of_the_file_is_no_regression():
    blurred = replace(CELL, max_ulp=CELL.max_ulp * (1 + 1e-8))
    assert (
        compared([replace(PASSED, cells=(blurred, OTHER))], taken(PASSED), 0).results[0].verdict
        == "pass"
    )


def test_a_new_outcome_is_a_regression():
    worse = replace(OTHER, outcomes=("flushed_subnormal",))
    finding = regression(compared([replace(PASSED, cells=(CELL, worse))], taken(PASSED), 0))
    assert f"a new outcome in {OTHER.name}, flushed_subnormal" in finding.message


def test_a_new_finding_is_a_regression_even_where_it_is_known():
    expected = replace(PASSED, expected=(OVERFLOW,))
    assert "a new finding, overflow" in regression(compared([expected], taken(PASSED), 0)).message
    accepted = compared([expected], taken(expected), 0)
    assert accepted.results == [expected]


def test_what_is_better_is_noted():
    better = replace(PASSED, cells=(replace(CELL, max_ulp=1.0, outcomes=()), OTHER))
    found = compared([better], taken(PASSED), 0)
    assert found.results == [better]
    assert found.notes == ["kernel.py:f float32: better in 1 cell; --update-baseline accepts them"]


def test_many_are_counted():
    cells = tuple(replace(CELL, name=f"normal-1,n={n},rows=1") for n in range(1, 9))
    worse = tuple(replace(cell, max_ulp=9.0) for cell in cells)
    found = compared([replace(PASSED, cells=worse)], taken(replace(PASSED, cells=cells)), 0)
    assert "and 5 more" in regression(found).message


def test_what_is_new_is_noted():
    found = compared([PASSED], taken(), 0)
    assert found.results == [PASSED] and "not in the baseline yet" in found.notes[0]
    found = compared([PASSED], taken(replace(PASSED, cells=(CELL,))), 0)
    assert found.results == [PASSED] and "1 cells are not in the baseline" in found.notes[0]


WORSE = replace(PASSED, cells=(replace(CELL, max_ulp=9.0, outcomes=("inaccurate", "nan")), OTHER))


def test_errors_of_another_machine_are_left_out_and_it_is_said_why():
    entry = entry_of(PASSED)
    there = replace(entry, taken_on=entry.taken_on | {"simd": "NEON"})
    found = compared([WORSE], Baseline(0, {WORSE.key: (there,)}), 0)
    message = regression(found).message
    assert "a new outcome" in message and "max_ulp" not in message
    (note,) = found.notes
    assert "errors in ulp of 2 cells were not compared: simd was NEON in the baseline" in note


def test_of_another_seed_only_findings_are_held():
    found = compared([WORSE], taken(PASSED, seed=1), 0)
    assert found.results == [WORSE] and "seed 1 in the baseline, 0 now" in found.notes[0]
    assert (
        "new finding" in regression(compared([failed(OVERFLOW)], taken(PASSED, seed=1), 0)).message
    )


def test_what_has_no_verdict_is_not_compared():
    absent = Checked("torch", "float32", "unavailable", reported=("it needs torch",))
    assert compared([absent], taken(PASSED), 0).results == [absent]


def test_a_regression_may_be_waived_and_is_never_accepted_as_a_finding():
    gated = held_against([WORSE], taken(PASSED), Settings(), 0)
    assert gated.failed
    assert entry_of(gated.results[0]).findings == ()
    far = Waiver("regression", "issue 12", datetime.date(9999, 1, 1))
    assert not held_against([WORSE], taken(PASSED), Settings(waivers=(far,)), 0).failed


def test_update_keeps_what_the_file_says_of_others(command, tmp_path):
    path = tmp_path / "baseline.json"
    words = ("--dtype", "float32", "--only", "shapes", "--baseline", path, "--update-baseline")
    for name in ("max-shifted", "wide"):
        done = command("check", name, *words, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert f"wrote the baseline {path}" in done.stdout
    assert {key.implementation for key in stored.read(path).entries} == {"max-shifted", "wide"}
    done = command("check", "wide", *words, "--seed", "1", cwd=tmp_path)
    assert done.returncode == 2 and "--seed 0" in done.stderr
    assert stored.read(path).seed == 0


def test_a_dtype_of_the_baseline_that_is_not_supported_now_is_a_regression():
    refused = Checked("kernel.py:f", "float32", "unsupported", reported=("it raised NameError",))
    message = regression(compared([refused], taken(PASSED))).message
    assert "it was supported, with 2 cells (it raised NameError)" in message
    assert compared([refused], taken()).results == [refused]
    far = Waiver("regression", "issue 12", datetime.date(9999, 1, 1))
    assert held_against([refused], taken(PASSED), Settings(waivers=(far,)), 0).results == [refused]


def test_less_that_is_asked_than_in_the_baseline_is_a_regression():
    wide = replace(PASSED, standard="wide", output_dtype="float32")
    native, narrow = replace(wide, standard="native"), replace(wide, output_dtype="float16")
    assert "held to wide, and is to native" in regression(compared([native], taken(wide))).message
    assert compared([wide], taken(native)).results == [wide]
    found = compared([replace(narrow, cells=WORSE.cells)], taken(wide))
    assert "were float32, and are float16" in regression(found).message
    assert "another output format" in found.notes[0]
    assert compared([narrow], taken(PASSED)).results == [narrow]  # it does not say


def test_what_the_settings_no_longer_name_is_noted():
    gone = replace(PASSED, dtype="float16")
    (note,) = left_out([PASSED], taken(PASSED, gone))
    assert note.endswith(": kernel.py:f float16")
    assert not left_out([PASSED], taken(PASSED))


SOFTMAX = Problem.of(OPERATIONS["softmax"], format_named("float32"))
PLANNED = [
    RecipeSummary(name_of(each), 1.0, 0.5, (), "")
    for _, each in zip(
        range(3),
        recipes(Problem.of(OPERATIONS["softmax"], format_named("float32")), 8, 0),
        strict=False,
    )
]
WHOLE = replace(PASSED, cells=(*PLANNED,))


def test_cells_that_were_asked_for_and_not_judged_are_a_regression():
    fewer = replace(WHOLE, cells=WHOLE.cells[:1])
    message = regression(compared([fewer], taken(WHOLE))).message
    assert "2 of its 3 cells were not judged, such as" in message
    assert compared([fewer], taken(WHOLE), parts=("shapes",)).results == [fewer]
    ended = replace(fewer, is_whole=False)
    assert compared([ended], taken(WHOLE)).results == [ended]


def test_cells_that_the_suite_no_longer_has_are_noted():
    more = replace(WHOLE, cells=(*PLANNED, replace(CELL, name="gone-1,n=8,rows=64")))
    found = compared([WHOLE], taken(more))
    assert found.results == [WHOLE]
    assert found.notes == ["kernel.py:f float32: 1 cells of the baseline are no longer asked for"]


def test_a_pass_on_no_element_is_none_where_accuracy_was_asked_for():
    nothing = replace(PASSED, elements=0, cells=())
    gated = held_against([nothing], None, Settings(), 0)
    assert [each.kind for each in gated.results[0].findings] == ["not_judged"] and gated.failed
    assert not held_against([nothing], None, Settings(), 0, ("shapes",)).failed


def test_an_update_of_some_parts_keeps_what_the_others_had_found():
    old = Baseline(0, {}).accepting([failed(OVERFLOW)], PARTS)
    layout = replace(PASSED, expected=(replace(OVERFLOW, kind="layout"),), cells=())
    (entry,) = old.accepting([layout], ("shapes", "layout")).entries[PASSED.key]
    assert entry.findings == ("layout", "overflow") and entry.cells.keys() == {
        CELL.name,
        OTHER.name,
    }
    (entry,) = old.accepting([layout], PARTS).entries[PASSED.key]
    assert entry.findings == ("layout",) and not entry.cells


def elsewhere(result):
    entry = entry_of(result)
    return replace(entry, taken_on=entry.taken_on | {"simd": "NEON"})


def test_each_machine_has_an_entry_of_its_own(tmp_path):
    there = elsewhere(WORSE)
    both = Baseline(0, {PASSED.key: (there,)}).accepting([PASSED], PARTS)
    path = tmp_path / "baseline.json"
    path.write_text(stored.text_of(both), encoding="utf-8")
    back = stored.read(path)
    assert len(back.entries[PASSED.key]) == 2 and back.nearest(PASSED.key).differences == ()
    assert "max_ulp" in regression(compared([WORSE], back)).message
    anew = both.accepting([failed(OVERFLOW)], PARTS)
    assert sorted(len(each.findings) for each in anew.entries[PASSED.key]) == [0, 1]


def test_a_machine_without_an_entry_is_told_how_to_take_one():
    (note,) = compared([PASSED], Baseline(0, {PASSED.key: (elsewhere(PASSED),)})).notes
    assert "were not compared" in note and "--update-baseline here adds an entry" in note


def test_a_baseline_of_one_machine_is_still_read(tmp_path):
    path = tmp_path / "baseline.json"
    path.write_text(
        '{"schema": 1, "seed": 0, "results": {"f": {"float32": {"taken_on": {"numpy": "2"}, '
        '"findings": [], "cells": {"a": {"max_ulp": 1, "mean_ulp": 0.5, "outcomes": []}}}}}}',
        encoding="utf-8",
    )
    ((entry,),) = stored.read(path).entries.values()
    assert entry.cells["a"].max_ulp == 1.0


@pytest.mark.parametrize(
    "old, new",
    [
        ('"max_ulp": 1.5', '"max_ulp": NaN'),
        ('"max_ulp": 1.5', '"max_ulp": Infinity'),
        ('"max_ulp": 1.5', '"max_ulp": 1e999'),
        ('"max_ulp": 1.5', '"max_ulp": 1' + "0" * 400),
        ('"max_ulp": 1.5', '"max_ulp": -1'),
        ('"max_ulp": 1.5', '"max_ulp": "1.5"'),
        ('"max_ulp": 1.5', '"max_ulp": true'),
        ('"outcomes": []', '"outcomes": "nan"'),
        ('"results": {', '"results": {}, "results": {'),
        ('"seed": 0', '"seed": "0"'),
        ('"results": {', '"other": ' + "[" * 100_000 + ', "results": {'),
    ],
)
def test_what_would_switch_a_comparison_off_is_refused(tmp_path, old, new):
    path = tmp_path / "baseline.json"
    text = stored.text_of(taken(PASSED))
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(BadBaseline, match="the baseline cannot be read") as raised:
        stored.read(path)
    assert "\n" not in str(raised.value)


def test_an_infinite_error_is_stored_and_compared(tmp_path):
    lost = replace(PASSED, cells=(replace(CELL, max_ulp=math.inf, mean_ulp=math.inf), OTHER))
    path = tmp_path / "baseline.json"
    path.write_text(stored.text_of(taken(lost)), encoding="utf-8")
    json.loads(path.read_text(), parse_constant=pytest.fail)
    back = stored.read(path)
    assert compared([lost], back).results == [lost]
    assert "better in 1 cell" in compared([PASSED], back).notes[0]
    assert "is inf" in regression(compared([lost], taken(PASSED))).message


def test_the_largest_change_is_told_first():
    cells = tuple(replace(CELL, name=f"normal-1,n={n},rows=1") for n in (2, 3, 4))
    now = [replace(each, max_ulp=size) for each, size in zip(cells, (1.6, 9.0, 0.5), strict=True)]
    found = compared([replace(PASSED, cells=(*now,))], taken(replace(PASSED, cells=cells)))
    message = regression(found).message
    assert "(worse in 2 cells, better in 1): max_ulp in normal-1,n=3,rows=1 was 1.5" in message


def test_within_the_tolerance_a_larger_error_is_noted():
    worse = replace(PASSED, cells=(replace(CELL, max_ulp=1.9), replace(OTHER, max_ulp=0.4)))
    found = compared([worse], taken(PASSED), tolerance=Tolerance(ulp=0.5))
    assert found.results == [worse]
    assert "worse in 1 cell within the tolerance, most: max_ulp in normal-1" in found.notes[0]
    assert "better in 1 cell" in found.notes[1]
    assert compared([worse], taken(PASSED), tolerance=Tolerance(relative=0.3)).results == [worse]
    assert regression(compared([worse], taken(PASSED), tolerance=Tolerance(0.2, 0.3)))
    lost = replace(PASSED, cells=(replace(CELL, max_ulp=math.inf), OTHER))
    assert regression(compared([lost], taken(PASSED), tolerance=Tolerance(1e300, 1e300)))


@pytest.mark.parametrize(
    "name, fails",
    [
        ("kernel.py:f", {None: True, False: False, True: True}),
        ("naive", {None: False, False: False, True: True}),
    ],
)
def test_what_code_says_in_its_own_favour_is_a_finding_unless_the_project_bears_it(name, fails):
    own = replace(PASSED, implementation=name, expected=(OVERFLOW,))
    for strict, wanted in fails.items():
        assert held_against([own], None, Settings(strict=strict), 0).failed == wanted
    (result,) = held_against([own], None, Settings(strict=True), 0).results
    assert "declares this as known itself" in result.findings[0].message
    far = Waiver("overflow", "issue 12", datetime.date(9999, 1, 1))
    assert not held_against([own], None, Settings(strict=True, waivers=(far,)), 0).failed


def test_a_waived_finding_is_waived_beside_a_baseline():
    nan = replace(OVERFLOW, kind="nan")
    cells = (replace(CELL, max_ulp=9.0, outcomes=("inaccurate", "nan")), OTHER)
    found = failed(nan, cells=cells)
    far = Waiver("nan", "issue 12", datetime.date(9999, 1, 1))
    assert not held_against([found], taken(PASSED), Settings(waivers=(far,)), 0).failed
    past = replace(far, expires=datetime.date(2000, 1, 1))
    assert held_against([found], taken(PASSED), Settings(waivers=(past,)), 0).failed


@pytest.mark.skipif(sys.platform == "win32", reason="folders cannot be locked there")
def test_one_at_a_time_updates_a_baseline(tmp_path):
    path, order = tmp_path / "baseline.json", []

    def other():
        with stored.alone_at(path):
            order.append("other")

    with stored.alone_at(path):
        thread = threading.Thread(target=other)
        thread.start()
        thread.join(0.2)
        order.append("first")
    thread.join()
    assert order == ["first", "other"] and not list(tmp_path.iterdir())


def test_a_command_to_check_again_has_the_seed():
    layout = Finding("layout", "differs", replay="softmax-harness check f --only layout")
    shown = Finding("nan", "gives nan", replay="softmax-harness explain float32:0x0p+0@0")
    gated = held_against([failed(layout, shown)], None, Settings(), 7)
    first, second = gated.results[0].findings
    assert first.replay == f"{layout.replay} --seed 7" and second == shown


# Documents

ODD = "50% <b>|`x`|</b>\x00\x1b[31m\r\nnext: a,b \ud800 ]]>"
ODDLY = Gated(
    [
        failed(Finding("raised", ODD, replay="softmax-harness check 'a b'")),
        replace(failed(OVERFLOW), implementation='f"<&>.py:f', dtype="float16"),
        PASSED,
        Checked("torch", "float32", "unavailable", reported=("it needs torch\x07",)),
    ],
    ["a note of 100%\nand more"],
)


def test_json_has_what_is_not_finite_as_strings():
    unlimited = Contract(limits=(Limit("max_ulp", math.inf),), process=Limits(math.inf))

    def refused(constant):
        raise AssertionError(constant)

    document = json.loads(json_document(ODDLY, unlimited), parse_constant=refused)
    assert document["schema"] == 1 and document["notes"] == ODDLY.notes
    assert document["options"]["limits"][0]["number"] == "inf"
    assert document["options"]["fail_fast"] is False
    raised, overflow, passed, absent = document["results"]
    assert overflow["findings"][0]["value"] == "nan" and overflow["findings"][0]["limit"] == 3.5
    assert raised["findings"][0]["message"] == ODD
    assert (passed["verdict"], absent["verdict"]) == ("pass", "unavailable")


def test_junit_is_read_whatever_a_message_holds(tmp_path):
    path = tmp_path / "check.xml"
    path.write_text(junit_document(ODDLY), encoding="utf-8")
    suites = list(junitparser.JUnitXml.fromfile(str(path)))
    assert [each.name for each in suites] == ["kernel.py:f", 'f"<&>.py:f', "torch"]
    first, second, third = suites
    assert (first.tests, first.failures, third.skipped) == (2, 1, 1)
    failure = next(iter(first)).result[0]
    assert "50% <b>" in failure.text and "\ufffd" in failure.text
    (case,) = second
    assert case.name == "float16" and "witness float32:0x1p+7@0" in case.result[0].text
    (case,) = third
    assert "it needs torch" in case.result[0].message


def test_junit_tells_what_is_declared_as_known(tmp_path):
    path = tmp_path / "check.xml"
    known = replace(OVERFLOW, worst=12.25)
    gated = Gated([replace(PASSED, expected=(known,), slow="judged on 1 of 2 calls")], [])
    path.write_text(junit_document(gated), encoding="utf-8")
    ((case,),) = junitparser.JUnitXml.fromfile(str(path))
    assert case.system_out.splitlines() == [
        "judged on 1 of 2 calls",
        "declared as known: overflow, the worst by 12.25 ulp; witness float32:0x1p+7@0",
    ]


def test_markdown_holds_nothing_but_text():
    text = markdown_document(ODDLY)
    assert "### softmax-harness check: 1 of 3 pass" in text
    assert "<b>" not in text and "\\<b\\>\\|\\`x\\`\\|" in text
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert len(rows) == 5
    assert all(line.replace("\\|", "").count("|") == 5 for line in rows)
    assert "> a note of 100% and more" in text


def test_annotations_are_a_line_each():
    lines = annotation_lines(ODDLY).splitlines()
    assert [line.partition("::")[2].partition(" ")[0].rstrip(":") for line in lines][:2] == [
        "error",
        "error",
    ]
    assert len(lines) == 3
    assert lines[0].startswith("::error title=kernel.py%3Af float32 raised::50%25 <b>")
    assert "%0D%0Anext: a,b" in lines[0]
    assert lines[2] == "::notice::a note of 100%25%0Aand more"


PLACED = """import loader
raise RuntimeError("never executed")

class Kernels:
    def softmax(self, x): ...

def f(x): ...

@loader.jit
def f(x): ...

g: object = f
h = i = f
from loader import made as j
"""


@pytest.mark.parametrize(
    "name, place",
    [
        ("sub/kernel.py:f", ("sub/kernel.py", 10)),
        ("sub.kernel:f", ("sub/kernel.py", 10)),
        ("sub/kernel.py:Kernels.softmax", ("sub/kernel.py", 5)),
        ("sub/kernel.py:g", ("sub/kernel.py", 12)),
        ("sub/kernel.py:i", ("sub/kernel.py", 13)),
        ("sub/kernel.py:j", ("sub/kernel.py", 14)),
        ("sub/kernel.py:gone", ("sub/kernel.py", 1)),
        ("broken.py:f", ("broken.py", 2)),
        ("gone.py:f", None),
        ("gone:f", None),
        ("max-shifted", None),
        ("../outside.py:f", None),
    ],
)
def test_an_annotation_stands_at_the_function(tmp_path, monkeypatch, name, place):
    root = tmp_path / "root"
    (root / "sub").mkdir(parents=True)
    (root / "sub" / "kernel.py").write_text(PLACED, encoding="utf-8")
    (root / "broken.py").write_text("x = 1\ndef f(:\n", encoding="utf-8")
    (tmp_path / "outside.py").write_text(PLACED, encoding="utf-8")
    monkeypatch.chdir(root)
    monkeypatch.delenv("GITHUB_WORKSPACE", raising=False)
    assert place_of(name) == place
    gated = Gated([failed(OVERFLOW, implementation=name)], [])
    head = f"::error file={place[0]},line={place[1]},title=" if place else "::error title="
    assert annotation_lines(gated).startswith(head)


def test_the_path_counts_from_the_root_of_the_repository(tmp_path, monkeypatch):
    (tmp_path / "sub").mkdir()
    (tmp_path / ".git").mkdir()
    (tmp_path / "sub" / "kernel.py").write_text("def f(x): ...\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path / "sub")
    assert place_of("kernel.py:f") == ("sub/kernel.py", 1)
    (tmp_path / ".git").rmdir()
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path))
    assert place_of("kernel.py:f") == ("sub/kernel.py", 1)


def test_the_terminal_shows_verdict_finding_and_note():
    text = text_document(ODDLY)
    assert "pass         kernel.py:f float32" in text
    told = ("overflow: gives nan", "  witness float32:0x1p+7@0", "  there max_ulp nan, limit 3.5")
    assert "\n".join(f"  {line}" for line in told) in text
    assert "note: a note of 100%" in text


def test_what_is_declared_as_known_is_shown_with_its_size_and_witness():
    sized = replace(OVERFLOW, kind="inaccurate", worst=856.6)
    lost = replace(OVERFLOW, worst=math.inf)
    of_calls = Finding("layout", "is wrong where rows lie backwards")
    gated = Gated([replace(PASSED, expected=(sized, lost, of_calls))], [])
    told = (
        "inaccurate, the worst by 856.6 ulp; witness float32:0x1p+7@0",
        "overflow; witness float32:0x1p+7@0",
        "layout; is wrong where rows lie backwards",
    )
    lines = text_document(gated).splitlines()
    assert lines[1:] == [f"  declared as known: {each}" for each in told]
    shown = markdown_document(gated)
    assert all(f"Declared as known of kernel.py:f, float32: {each}" in shown for each in told)
