"""Baselines: what counts as a regression, and how they are taken and kept."""

import datetime
import json
import math
import sys
import threading
from dataclasses import replace

import pytest
from softmax_harness.check.contract import PARTS, Checked, Finding
from softmax_harness.check.contract.suite import recipes
from softmax_harness.check.contract.summaries import RecipeSummary, name_of
from softmax_harness.check.gate import stored
from softmax_harness.check.gate.baseline import Baseline, entry_of
from softmax_harness.check.gate.gated import held_against
from softmax_harness.check.gate.regression import Held, left_out
from softmax_harness.check.gate.regression import compared as compared_as
from softmax_harness.check.gate.settings import Settings
from softmax_harness.check.gate.tolerance import Tolerance
from softmax_harness.check.gate.waiver import Waiver
from softmax_harness.ground.errors import BadBaseline
from softmax_harness.ground.formats import format_named
from softmax_harness.operations import OPERATIONS, Problem

OVERFLOW = Finding(
    "overflow", "gives nan", "max_ulp", math.nan, 3.5, "float32:0x1p+7@0", "replay it"
)
CELL = RecipeSummary("normal-1,n=8,rows=64", 1.5, 0.25, ("inaccurate",), "float32:0x1p+0,0x0p+0@1")
OTHER = RecipeSummary("ties,n=2,rows=64", 0.5, 0.1, (), "float32:0x1p+0,0x0p+0@0")
PASSED = Checked("kernel.py:f", "float32", "pass", cells=(CELL, OTHER), elements=9)


def failed(*findings, **fields):
    return replace(PASSED, verdict="fail", findings=findings, **fields)


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
