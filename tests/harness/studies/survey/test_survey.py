"""The survey: ways to call give what a plain call gives, units are kept, tables add them up."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from softmax_harness.ground.formats import FORMATS
from softmax_harness.operations import OPERATIONS, Problem
from softmax_harness.studies.survey import unit
from softmax_harness.studies.survey.device import facts, settings_on
from softmax_harness.studies.survey.environments import LIBRARIES, ON_DEVICE, Task, done, tasks
from softmax_harness.studies.survey.gathered import about, tables
from softmax_harness.studies.survey.measuring import _Unit, is_of
from softmax_harness.studies.survey.planned import Setting, recipes, settings_of
from softmax_harness.studies.survey.probed import flushed_from, nan_places, special_answers
from softmax_harness.studies.survey.refused import INPUT, refusals
from softmax_harness.studies.survey.stored import Key, all_kept, keep, kept, stamp
from softmax_harness.studies.survey.unit import Variant
from softmax_harness.studies.survey.ways import WAYS, in_a_way, ways_of
from softmax_harness.subjects.catalogue import catalogue
from softmax_harness.subjects.subject import Subject

FORMAT = FORMATS["float32"]
MODULE = "softmax_implementations.max_shifted"


def subject(name, operation="softmax"):
    problem = Problem.of(OPERATIONS[operation], FORMAT)
    return Subject.here(catalogue(operation)[name], problem)


@pytest.fixture
def small(monkeypatch):
    """Two short recipes in place of all."""
    asked = (("normal-10", 9, 4), ("neighbours", 20, 2))
    monkeypatch.setattr("softmax_harness.studies.survey.planned._OF_LOGITS", asked)
    monkeypatch.setattr("softmax_harness.studies.survey.planned._EVERYWHERE", asked)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("operation, name", [("softmax", "wide"), ("logsumexp", "wide")])
def test_each_way_gives_the_results_of_the_plain_call(way, operation, name):
    plain = subject(name, operation)
    x = np.random.default_rng(0).normal(0, 3, (5, 7)).astype(np.float32)
    expected, found = plain.call(x).y, in_a_way(plain, way).call(x).y
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_only_what_takes_logits_alone_is_called_in_ways():
    assert ways_of(OPERATIONS["softmax"]) and ways_of(OPERATIONS["logsumexp"])
    assert not ways_of(OPERATIONS["cross_entropy"]) and not ways_of(OPERATIONS["attention"])


def rows_of(name, ways=("", *WAYS), operation="softmax"):
    asked = [Variant(name, way, in_a_way(subject(name, operation), way)) for way in ways]
    return list(unit.surveyed(OPERATIONS[operation], FORMAT, asked, False))


def as_unit(rows, probes=(), setting="", library="numpy"):
    key = {"library": library, "setting": setting, "operation": "softmax", "dtype": "float32"}
    environment = {"python": "", "platform": "", "processor": "", "cores": 2, "simd": []}
    more = {"environment": environment | {"packages": {}}, "settings": {}, "seconds": 1.0}
    return key | more | {"rows": rows, "probes": list(probes), "version": "1.0"}


def test_a_maximum_is_that_of_mpmath_and_bits_tell_rows_apart(small):
    import mpmath

    rows = rows_of("max-shifted", ("", "row alone"))
    (recipe, _) = recipes(OPERATIONS["softmax"], FORMAT)
    x = recipe.block(0)
    y = catalogue()["max-shifted"](x)
    worst = 0
    with mpmath.workprec(400):
        for own, got in zip(x.tolist(), y.tolist(), strict=True):
            e = [mpmath.exp(each) for each in own]
            for each, value in zip(e, got, strict=True):
                z = each / mpmath.fsum(e)
                ulp = mpmath.mpf(2) ** max(int(mpmath.floor(mpmath.log(z, 2))) - 23, -149)
                worst = max(worst, abs(value - z) / ulp)
    assert rows[0]["family"] == "normal-10"
    assert rows[0]["max_ulp"] == pytest.approx(float(worst), rel=1e-12)
    assert len(set(rows[0]["bits"].split())) == 4


def test_tables_say_which_change_changes_bits(small):
    rows = rows_of("max-shifted")
    other = [row | {"bits": " ".join(["0"] * len(row["bits"].split()))} for row in rows[:1]]
    units = [as_unit(rows), as_unit(other, setting="2 threads")]
    found = tables(units)
    bits = found["bits"].set_index(["setting", "way"])
    assert bits.loc[("2 threads", ""), "different"] == 4
    assert bits.loc[("", "row alone"), "rows"] == 6
    assert set(found["results"]["library"]) == {"numpy"} and "bits" not in found["results"]
    assert about(units, {}, "2026-01-01")["libraries"]["numpy"]["version"] == "1.0"


def test_logarithms_have_two_columns(small):
    rows = rows_of("shifted", ("",), "log_softmax")
    assert rows[0]["beyond_usual"] == 0
    assert sum(row["beyond_relative"] for row in rows) > 0


def test_a_call_that_takes_too_long_is_not_made(monkeypatch):
    monkeypatch.setattr(unit, "_LONG", 16)
    monkeypatch.setattr(unit, "_SECONDS", -1.0)
    reply = unit._too_slow(subject("wide"), np.zeros((1, 17), np.float32))
    assert reply.messages[0].startswith("not asked: 2 of the 17 logits took")
    assert unit._too_slow(subject("wide"), np.zeros((1, 16), np.float32)) is None


def test_probes_of_a_right_softmax_and_of_a_wrong_one():
    good = subject("max-shifted")
    assert {each["right"] for each in special_answers(good, good.problem.operation)} <= {
        "yes",
        "near",
        "",
    }
    assert nan_places(good)["right"] == "yes"
    assert flushed_from(good)["lost"] == 0
    flushing = Subject.here(good.declaration, good.problem)

    class Flushes:
        def serve(self, requests):
            replies = good.caller.serve(requests)
            for each in replies:
                each.y[np.abs(each.y) < 1e-37] = 0
            return replies

    flushing = Subject(good.declaration, good.problem, Flushes())
    found = flushed_from(flushing)
    assert found["lost"] > 100 and found["nearest_there"] < 1e-37 <= found["smallest"]


def test_a_format_that_is_not_declared_is_asked_and_what_is_said_is_told():
    pytest.importorskip("ml_dtypes", reason="pip install ml_dtypes")

    def refuses(x, axis=-1):
        raise TypeError(f"no {x.dtype} here\nand more")

    def widens(x, axis=-1):
        return x.astype(np.float64)

    naive = catalogue()["naive"]
    own = [replace(naive, function=refuses), naive, replace(naive, function=widens)]
    found = list(refusals(OPERATIONS["softmax"], FORMATS["float8_e5m2"], own))
    assert found[0]["answer"] == "raised TypeError: no float8_e5m2 here"
    assert found[1]["answer"] == "answers, in float8_e5m2"
    assert "returned float64 where float8_e5m2 was expected" in found[2]["answer"]
    assert {each["input"] for each in found} == {INPUT}


def test_each_implementation_is_measured_in_a_format_or_asked_what_it_says_to_it():
    softmax, attention, byte = (
        OPERATIONS["softmax"],
        OPERATIONS["attention"],
        FORMATS["float8_e5m2"],
    )
    ours = _Unit.of("softmax-harness", softmax, byte, "", Setting())
    assert [each.name for each in ours.found] == ["accurate"]
    assert [each.name for each in ours.others] == ["max-shifted"]
    assert "softmax_harness.studies.survey.refused" in ours.modules
    assert not _Unit.of("softmax-harness", softmax, byte, "", Setting("2 threads")).others
    both = _Unit.of("softmax-harness", softmax, FORMATS["float16"], "", Setting())
    assert len(both.found) == 2 and "softmax_harness.studies.survey.refused" not in both.modules
    assert not _Unit.of("scipy", attention, byte, "", Setting()).asked


def test_a_unit_is_kept_under_its_versions(tmp_path, monkeypatch):
    import softmax_implementations.max_shifted  # noqa: F401 (loaded: its file has a digest)

    key = Key("numpy", "2 threads", "softmax", "float32")
    own = stamp(Setting(), [MODULE])
    assert not kept(tmp_path, key, own)
    keep(tmp_path, key, own, {"rows": [{"max_ulp": np.float64(1), "order_inversions": pd.NA}]})
    assert kept(tmp_path, key, own)
    assert all_kept(tmp_path)[0]["rows"] == [{"max_ulp": 1.0, "order_inversions": None}]
    assert stamp(Setting("", {"A": "1"}), [MODULE]) != own
    monkeypatch.setattr("softmax_harness.studies.survey.stored.versions", lambda: {"numpy": "0"})
    assert not kept(tmp_path, key, stamp(Setting(), [MODULE]))
    (tmp_path / key.file).write_text("{")
    assert not kept(tmp_path, key, own)


def test_a_missing_environment_is_told(tmp_path):
    task = Task(tmp_path / "paddle" / "bin" / "python", "paddle", "")
    ((_, told),) = done([task], tmp_path, 1)
    assert told.startswith("there is no environment") and "paddle" in told


def test_one_thread_is_the_default_setting():
    assert settings_of("torch")[0].environment["OMP_NUM_THREADS"] == "1"
    assert {each.name for each in settings_of("torch")} >= {"", "2 threads"}


def test_thirty_softmaxes_are_listed_and_each_missing_one_says_how_to_get_it():
    found = catalogue()
    assert len(found) >= 30
    assert all("pip install" in each.unavailable for each in found.values() if each.unavailable)


def test_a_device_has_tasks_of_its_own_one_for_each_operation(tmp_path):
    own = tasks(tmp_path, device="cuda")
    assert {each.library for each in own} == set(ON_DEVICE["cuda"]["cuda"])
    assert {each.operation for each in own if each.library == "torch"} == {
        "softmax",
        "attention",
        "cross_entropy",
        "log_softmax",
        "logsumexp",
    }
    assert {each.name for each in tasks(tmp_path, ("triton",), "cuda")} == {"triton softmax"}
    plain = tasks(tmp_path)
    assert {each.library for each in plain} == {name for own in LIBRARIES.values() for name in own}
    assert not any(each.device or each.operation for each in plain)


def test_what_is_on_a_device_is_no_part_of_the_survey_of_processors():
    found = catalogue()
    assert is_of(found["torch-cuda"], "torch", "cuda")
    assert not is_of(found["torch-cuda"], "torch", "")
    assert is_of(found["torch"], "torch", "") and not is_of(found["torch"], "torch", "cuda")
    assert is_of(found["jax"], "jax", "")  # which says that it is on the processor
    assert settings_on("", "torch") == settings_of("torch") and facts("torch", "") == {}
    assert [each.name for each in settings_on("cuda", "torch")] == [""]


def test_the_card_is_a_part_of_what_a_unit_is_kept_under():
    import softmax_implementations.max_shifted  # noqa: F401 (loaded: its file has a digest)

    plain = stamp(Setting(), [MODULE])
    assert stamp(Setting(), [MODULE], {}) == plain
    assert stamp(Setting(), [MODULE], {"device": "one card"}) != plain
