"""The decisions of bench, and the processes it times in."""

import importlib.util
import itertools
import json
import random
import subprocess
import sys
from fractions import Fraction

import pytest
from softmax_harness.ground.errors import HarnessError
from softmax_harness.timing.bench import revisions
from softmax_harness.timing.bench.catalogue import OF_SUITE, Benchmark, benchmarks_of
from softmax_harness.timing.bench.compare import compared, settled, timed_verdicts
from softmax_harness.timing.bench.documents import (
    Comparison,
    json_document,
    markdown_document,
    text_document,
)
from softmax_harness.timing.bench.rule import Rule, chance, flagged, ratio, repeated
from softmax_harness.timing.bench.turns import timed_in_turns
from softmax_harness.timing.worker import Side, Worker

RULE = Rule(pairs=12, factor=1.1, significance=0.01)


def pairs(head=1.0, seed=0, noise=0.003, count=12):
    """Least seconds of processes of which some were disturbed."""
    draw = random.Random(seed)

    def seconds(factor):
        return factor * 1e-4 * (1 + noise * draw.random() + max(0, draw.gauss(-0.2, 0.3)))

    return [(seconds(1), seconds(head)) for _ in range(count)]


@pytest.mark.parametrize("slower", [True, False])
def test_the_chance_is_that_of_either_process_of_a_pair_being_first_alike(slower):
    orders = list(itertools.product([(1.0, 2.0), (2.0, 1.0)], repeat=6))
    chances = [chance(order, slower) for order in orders]
    for value in set(chances):
        share = Fraction(sum(each <= value for each in chances), len(orders))
        assert value == float(share)


def test_a_tie_speaks_against_a_difference():
    assert chance([(1.0, 1.0)] * 5) == chance([(1.0, 1.0)] * 5, slower=False) == 1


def test_the_chance_does_not_depend_on_how_fast_the_machine_is_meanwhile():
    speeds = [1, 1.3, 2.5] * 8
    assert chance([(speed, 1.25 * speed) for speed in speeds]) == 2.0**-24


def test_the_ratio_is_of_the_least():
    assert ratio([(2.0, 3.0), (9.0, 2.5), (4.0, 8.0)]) == 1.25


@pytest.mark.parametrize("head", [1.5, 1 / 1.5])
def test_what_differs_is_flagged_whatever_disturbs_it(head):
    assert all(flagged(pairs(head, seed), RULE) for seed in range(20))


def test_what_is_alike_is_not_flagged():
    assert not any(flagged(pairs(1, seed), RULE) for seed in range(200))


def test_a_small_effect_is_no_finding_however_sure():
    sure = [(1.0, 1.05)] * 24
    assert chance(sure) < 1e-6
    assert not flagged(sure, RULE)
    assert not repeated({"sure": [(1.0, 1.2)] * 12}, {"sure": sure}, RULE)


def test_an_effect_that_is_not_sure_is_no_finding():
    unsure = [(1.0, 1.2), (1.5, 1.4)] * 12
    assert flagged(unsure, RULE)
    assert not repeated({"unsure": unsure}, {"unsure": unsure}, RULE)


def test_only_what_is_slower_twice_is_slower():
    first = {name: pairs(1.5, 1) for name in ("again", "not again", "the other way")}
    again = {"again": pairs(1.4, 2), "not again": pairs(1, 3), "the other way": pairs(0.6, 4)}
    assert set(repeated(first, again, RULE)) == {"again"}
    verdicts = timed_verdicts(first | {"quiet": pairs(1, 5)}, again, RULE)
    assert {name: each.verdict for name, each in verdicts.items()} == {
        "again": "slower",
        "not again": "same",
        "the other way": "same",
        "quiet": "same",
    }


def test_as_many_slower_timings_do_not_hide_each_other():
    many = {str(seed): pairs(1.5, seed) for seed in range(300)}
    assert set(repeated(many, many, RULE)) == set(many)


def test_among_many_that_differ_by_luck_a_weak_one_is_not_found():
    weak = [(1.0, 1.5)] * 19 + [(2.1, 2.0)] * 5
    assert RULE.significance / 10 < chance(weak) <= RULE.significance
    assert repeated({"weak": weak}, {"weak": weak}, RULE)
    others = {str(k): pairs(1, k) for k in range(10)}
    assert not repeated({"weak": weak} | others, {"weak": weak} | others, RULE)


SETTLED = {
    "same": ({"value": "1.5"}, {"value": "1.5"}),
    "less accurate": ({"value": "1.5"}, {"value": "1.5000000000000002"}),
    "more accurate": ({"value": "inf"}, {"value": "1.5"}),
    "added": ({"skipped": "no"}, {"value": "1.5"}),
    "removed": ({"value": "1.5"}, {"skipped": "no"}),
    "fails": ({"value": "1.5"}, {"error": "ValueError"}),
    "fails in both": ({"error": "ValueError"}, {"error": "ValueError"}),
    "mended": ({"error": "ValueError"}, {"value": "1.5"}),
}


@pytest.mark.parametrize("verdict, answers", SETTLED.items())
def test_errors_are_compared_exactly_and_failures_told(verdict, answers):
    result = settled(Benchmark("file.Class.track_max_ulp", False, {}), answers)
    assert result.verdict == verdict
    assert result.failed == (verdict in ("less accurate", "fails"))


def test_what_both_skip_is_no_result():
    assert settled(Benchmark("a.b", True, {}), ({"skipped": ""}, {"skipped": ""})) is None


def comparison(*answers):
    results = [
        settled(Benchmark(f"f.C.track('<b>|{k}')", False, {}), each)
        for k, each in enumerate(answers)
    ]
    return Comparison(("v1", "HEAD"), ("a" * 40, "b" * 40), OF_SUITE, RULE, results, ["a | note"])


def test_documents_tell_it_to_people_and_programs():
    worse = comparison(SETTLED["same"], ({"value": "1.5"}, {"value": "inf"}))
    document = json.loads(json_document(worse))
    assert (document["schema"], document["verdict"]) == (1, "fail")
    assert [each["head"] for each in document["results"]] == [1.5, "inf"]
    assert document["options"]["factor"] == RULE.factor
    text = text_document(worse)
    assert text.splitlines()[-1] == "fail: aaaaaaaa to bbbbbbbb: 1 less accurate, 1 same"
    shown = markdown_document(worse)
    assert "<b>" not in shown and "\\<b\\>\\|1" in shown and "\\|0" not in shown
    assert not comparison(SETTLED["same"]).failed


BENCHMARKS = """
import os
import time

def time_quick():
    print("noise on standard output")
    time.sleep(0.0001)

def track_ulp(which):
    if which == "raises":
        raise ValueError("on purpose")
    if which == "dies":
        os._exit(3)
    if which == "hangs":
        time.sleep(60)
    found = {"infinite": float("inf"), "nothing": float("nan"), "here": float(os.environ["HERE"])}
    return found[which]
track_ulp.params = ["raises", "dies", "hangs", "infinite", "nothing", "here"]
track_ulp.unit = "ulp"

def track_seconds():
    return 1.0
"""


@pytest.fixture
def sides(tmp_path):
    pytest.importorskip("asv_runner", reason="pip install 'softmax-harness[asv]'")
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "__init__.py").touch()
    (tmp_path / "own" / "some.py").write_text(BENCHMARKS, encoding="utf-8")
    return tuple(
        Side(name, sys.executable, tmp_path / "own", {"HERE": value})
        for name, value in (("BASE", "1"), ("HEAD", "2"))
    )


def test_a_worker_answers_and_outlives_what_its_benchmarks_do(sides):
    with Worker(sides[0], seconds=5) as worker:
        found = benchmarks_of(worker, "")
        assert "some.track_seconds" not in found  # no time, and nothing exact
        answer = {name: worker.ask(each.request) for name, each in found.items()}
    assert float(answer["some.time_quick"]["value"]) >= 1e-4
    assert answer["some.track_ulp('raises')"] == {"error": "ValueError: on purpose"}
    # The last that the process said may tell why it died.
    died = "its process ended with 3: noise on standard output"
    assert answer["some.track_ulp('dies')"] == {"error": died}
    assert answer["some.track_ulp('hangs')"] == {"error": "took longer than 5 s"}
    assert answer["some.track_ulp('infinite')"] == {"value": "inf"}
    assert "skipped" in answer["some.track_ulp('nothing')"]
    assert answer["some.track_ulp('here')"] == {"value": "1.0"}


def test_two_sides_are_compared(sides):
    results = compared(sides, "here|infinite|raises", RULE, lambda *told: None)
    verdicts = {each.name.split("'")[1]: each.verdict for each in results}
    assert verdicts == {"here": "less accurate", "infinite": "same", "raises": "fails in both"}
    with pytest.raises(HarnessError, match="nothing to compare: none of the 1 .* on purpose"):
        compared(sides, "raises", RULE, lambda *told: None)
    with pytest.raises(HarnessError, match="not a regular expression"):
        compared(sides, "(", RULE, lambda *told: None)
    with pytest.raises(HarnessError, match="nothing to compare: none of the 1 .* gave no number"):
        compared(sides, "nothing", RULE, lambda *told: None)


def test_timing_in_turns_gives_pairs_and_leaves_out_what_breaks(sides):
    quick = {"name": "some.time_quick", "index": None}
    dies = {"name": "some.track_ulp", "index": 1}
    asked = {"quick": (quick, quick), "breaks": (quick, dies)}
    timed = timed_in_turns(sides, asked, 2, lambda *told: None)
    assert list(timed.pairs) == ["quick"] and len(timed.pairs["quick"]) == 2
    assert all(seconds >= 1e-4 for pair in timed.pairs["quick"] for seconds in pair)
    assert "error" in timed.broken["breaks"][1]


def test_benchmarks_that_cannot_be_imported_are_a_clear_line(sides):
    (sides[0].benchmarks / "some.py").write_text("import gone_away\n")
    with pytest.raises(HarnessError, match=r"for BASE: .*gone_away.*matrix\.req"):
        compared(sides, "", RULE, lambda *told: None)


def git(folder, *words):
    identity = ("-c", "user.name=a", "-c", "user.email=a@b.example")
    subprocess.run(["git", *identity, *map(str, words)], cwd=folder, check=True)


def test_revisions_are_found_or_it_is_said_what_to_do(tmp_path):
    origin, clone = tmp_path / "origin", tmp_path / "clone"
    origin.mkdir()
    git(origin, "init", "-q")
    for text in ("one", "two"):
        (origin / "file").write_text(text)
        git(origin, "add", "file")
        git(origin, "commit", "-qm", text)
    first, second = (revisions.commit_of(origin, name) for name in ("HEAD~1", "HEAD"))
    with pytest.raises(HarnessError, match="'gone'.*git log"):
        revisions.commit_of(origin, "gone")
    assert not revisions.has_uncommitted(origin)
    (origin / "file").write_text("three")
    assert revisions.has_uncommitted(origin)

    git(tmp_path, "clone", "-q", "--depth=1", origin.as_uri(), clone)
    git(clone, "checkout", "-q", "--detach")
    with pytest.raises(HarnessError, match="git fetch --unshallow"):
        revisions.commit_of(clone, "HEAD~1")
    git(clone, "fetch", "-q", "--depth=1", "origin", first)
    bare = revisions.with_branches(clone, (first, second), tmp_path / "bare")
    git(tmp_path, "clone", "-q", bare, "built")
    for commit, text in ((first, "one"), (second, "two")):
        git(tmp_path / "built", "checkout", "-q", commit)
        assert (tmp_path / "built" / "file").read_text() == text
    with pytest.raises(HarnessError, match="not in a git repository"):
        revisions.top_of(tmp_path)


@pytest.fixture(scope="module")
def study(root):
    """The script that counts false alarms."""
    path = root / "harness" / "benchmarks" / "false_alarms.py"
    spec = importlib.util.spec_from_file_location("false_alarms", path)
    module = importlib.util.module_from_spec(spec)
    before = list(sys.path)
    spec.loader.exec_module(module)
    sys.path[:] = before
    return module


def test_the_bounds_of_the_study_are_clopper_and_pearsons(study):
    assert study.bounds(0, 30) == (0, pytest.approx(1 - 0.025 ** (1 / 30), abs=1e-9))
    assert study.bounds(30, 30) == (pytest.approx(0.025 ** (1 / 30), abs=1e-9), 1)
    low, high = study.bounds(95, 100)
    assert (low, high) == (pytest.approx(0.8872, abs=1e-4), pytest.approx(0.9836, abs=1e-4))


def test_the_study_goes_on_after_an_interruption_and_decides_as_bench_does(study, tmp_path):
    names = {percent: f"'kernel:by_{percent}' 'float32' 100" for percent in study.PLANTED}
    first = {name: pairs(1 + percent / 100, percent) for percent, name in names.items()}
    again = {name: pairs(1 + percent / 100, percent + 1) for percent, name in names.items()}
    line = json.dumps({"first": first, "again": again})
    (tmp_path / "file").write_text(f"{line}\n{line[:50]}")
    (stored,) = study.stored(tmp_path / "file")
    assert study.verdicts(stored, 0, Rule(factor=1.1)) == ["same"]
    assert study.verdicts(stored, 25, Rule(factor=1.1)) == ["slower"]
    assert study.verdicts(stored, 25, Rule(factor=1.4)) == ["same"]
