"""What options select: every name resolved once, each bad one refused before any work."""

from dataclasses import replace

import numpy as np
import pytest
from softmax_harness.ground.errors import BadData, HarnessError
from softmax_harness.inputs.suites import SUITES
from softmax_harness.operations import OPERATIONS
from softmax_harness.run.experimenting import Experimenting
from softmax_harness.run.options import Options
from softmax_harness.run.selection import select

BAD = {
    "implementation": ({"implementations": ("max-shiftd",)}, "did you mean max-shifted"),
    "of all operations": (
        {"implementations": ("max-shiftd",), "operation": "all"},
        "implementation of any operation",
    ),
    "foreign, of all operations": (
        {"implementations": ("kernel.py:f",), "operation": "all"},
        "computes one operation",
    ),
    "dtype": ({"dtypes": ("float23",)}, "did you mean float32"),
    "dtype of none": ({"implementations": ("naive",), "dtypes": ("bfloat16",)}, "none of naive"),
    "family": ({"families": ("norml-1",)}, "did you mean normal-1"),
    "operation": ({"operation": "softmx"}, "did you mean softmax"),
    "suite": ({"suite": "quik"}, "did you mean quick"),
    "tier": ({"truth": "mpmth"}, "did you mean mpmath"),
}


@pytest.mark.parametrize("given, part", BAD.values(), ids=BAD)
def test_a_bad_name_is_refused(given, part):
    with pytest.raises(HarnessError, match=part):
        select(Options(**given))


def test_a_file_without_logits_is_refused(tmp_path):
    np.save(tmp_path / "x.npy", np.full((2, 3), np.nan))
    with pytest.raises(BadData, match="every value is NaN"):
        select(Options(families=(str(tmp_path / "x.npy"),)))


def test_what_is_named_twice_is_measured_once():
    once = Options(("naive", "wide"), ("float32",), ("normal-1", "digits"))
    twice = Options(("naive", "wide", "naive"), ("float32",) * 2, ("normal-1", "digits") * 2)
    first, second = select(once), select(twice)
    assert first.plan == second.plan and first.experiments == second.experiments


def test_each_recipe_is_given_to_those_that_take_its_format():
    plan = select(Options(("naive", "exact"), ("float32", "bfloat16"), ("normal-1",))).plan
    found = {each.recipe.format.name: each.implementations for each in plan}
    assert found == {"float32": ("naive", "exact"), "bfloat16": ("exact",)}


def test_an_operation_without_a_screen_is_judged_by_mpmath_on_fewer_inputs(monkeypatch):
    monkeypatch.setitem(OPERATIONS, "gradient", replace(OPERATIONS["gradient"], screen=None))
    for name, lengths in (("gradient", 1000), ("log_softmax", 4096)):
        plan = select(Options(("exact",), ("float32",), operation=name)).plan
        assert {each.tier for each in plan} == {"mpmath" if name == "gradient" else "screened"}
        assert max(each.recipe.n for each in plan) == lengths
    # A family that is named is measured even so.
    named = select(Options(("exact",), ("float32",), ("scale-plane",), "gradient")).plan
    assert {each.recipe.family.name for each in named} == {"scale-plane"}


def test_all_operations_together_are_measured_at_few_lengths_in_many_rows():
    plan = select(Options(("exact",), ("float32",), operation="all")).plan
    assert list(dict.fromkeys(each.operation for each in plan)) == list(OPERATIONS)
    assert not any(each.recipe.family.grid for each in plan)
    rows = {}
    for each in plan:
        if each.recipe.family.name == "normal-1":
            rows.setdefault(each.operation, {})[each.recipe.n] = each.recipe.rows
    assert {len(lengths) for lengths in rows.values()} == {2}
    for name, lengths in rows.items():
        assert (lengths[129] > 1000) == OPERATIONS[name].one_result
    alone = select(Options(("exact",), ("float32",), ("normal-1",))).plan
    assert len(alone) == len(SUITES["quick"].lengths)
    # The other suites are the same for one operation and for all.
    standard = Options(("exact",), ("float32",), ("normal-1",), suite="standard")
    everything = select(replace(standard, operation="all")).plan
    softmax = [each.recipe for each in everything if each.operation == "softmax"]
    assert softmax == [each.recipe for each in select(standard).plan]


DIGITS, NORMAL = ("digits", "normal-1"), ("normal-1",)
BOTH = ("naive", "exact")
EXPERIMENTS = {
    "nothing that it needs": (Options(BOTH, ("float32",), NORMAL), []),
    "of another operation": (Options(("exact",), ("float32",), DIGITS, "log_softmax"), []),
    "digits, each format a job": (
        Options(BOTH, ("float32", "bfloat16"), DIGITS),
        [
            Experimenting("digits", BOTH, ("float32",)),
            Experimenting("digits", ("exact",), ("bfloat16",)),
            Experimenting("multi_label"),
        ],
    ),
    "all operations": (
        Options(("exact",), ("float32", "float64"), NORMAL, "all"),
        [
            Experimenting("properties", ("exact",), ("float32",)),
            Experimenting("properties", ("exact",), ("float64",)),
            Experimenting("attention_shares", ("exact",), ("float32",)),
        ],
    ),
    "all operations, no softmax": (Options(("log1p",), ("float32",), NORMAL, "all"), []),
}


@pytest.mark.parametrize("options, jobs", EXPERIMENTS.values(), ids=EXPERIMENTS)
def test_experiments_have_what_they_need(options, jobs):
    assert list(select(options).experiments) == jobs


def test_what_was_named_and_is_not_measured_is_told():
    chosen = select(Options(("max-shifted",), ("float32", "bfloat16"), ("ties",)))
    assert chosen.left_out == ["max-shifted does not declare bfloat16, and is not measured in it"]
    assert select(Options((), ("float32",), ("ties",))).left_out == []
