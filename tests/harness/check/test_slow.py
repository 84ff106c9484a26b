"""A slow implementation is judged on what fits into a time, and the verdict says on how much."""

import itertools
import json
import re
import textwrap
from dataclasses import replace

import numpy as np
import pytest
from softmax_harness.check.contract import PARTS, Contract, budget, checked, repeats
from softmax_harness.check.contract.budget import (
    fitting_cases,
    fitting_recipes,
    fitting_repeats,
    room,
    too_slow,
)
from softmax_harness.check.contract.cases import CASES, cases_of
from softmax_harness.check.contract.suite import recipes
from softmax_harness.check.documents.as_json import json_document
from softmax_harness.check.documents.junit import junit_document
from softmax_harness.check.documents.markdown import markdown_document
from softmax_harness.check.documents.terminal import text_document
from softmax_harness.check.gate.baseline import Baseline, entry_of
from softmax_harness.check.gate.gated import held_against
from softmax_harness.check.gate.settings import Settings
from softmax_harness.ground.formats import FORMATS
from softmax_harness.inputs import witness
from softmax_harness.inputs.families import FAMILIES, Recipe
from softmax_harness.inputs.witness import recipe_text
from softmax_harness.operations import OPERATIONS, Problem
from softmax_harness.subjects.declaration import described
from softmax_harness.subjects.isolation import Limits
from softmax_harness.subjects.pace import Pace
from softmax_harness.subjects.repeats import calls_of, elements_of
from softmax_harness.subjects.subject import Subject

FORMAT = FORMATS["float32"]
PROBLEM = Problem.of(OPERATIONS["softmax"], FORMAT)
KERNELS = """
    import math, time
    import mpmath
    import numpy as np

    def by_rows(row, x, axis):
        out = x.dtype if x.dtype.kind == "f" else np.float64
        if x.size == 0:
            return np.empty(x.shape, out)
        y = np.apply_along_axis(row, axis, np.atleast_1d(x)).reshape(x.shape)
        with np.errstate(all="ignore"):
            return y.astype(out)

    def is_nothing(values):
        return any(map(math.isnan, values)) or math.isinf(max(values))

    def by_mpmath(x, axis=-1):
        def row(values):
            values = [float(each) for each in values]
            if is_nothing(values):
                return np.full(len(values), np.nan)
            with mpmath.workprec(100):
                top = max(values)
                e = [mpmath.exp(mpmath.mpf(each) - top) for each in values]
                total = mpmath.fsum(e)
                return np.array([float(each / total) for each in e])
        return by_rows(row, x, axis)

    def pure(x, axis=-1):
        def row(values):
            values = [float(each) for each in values]
            if is_nothing(values):
                return np.full(len(values), np.nan)
            top = max(values)
            e = [math.exp(each - top) for each in values]
            total = math.fsum(e)
            return np.array([each / total for each in e])
        return by_rows(row, x, axis)

    def sleeping(x, axis=-1):
        time.sleep(0.005)
        return pure(x, axis)

    def wrong(x, axis=-1):
        return by_mpmath(x, axis) * 1.01

    def hanging(x, axis=-1):
        if x.ndim == 3:
            time.sleep(1000)
        return pure(x, axis)
"""


@pytest.fixture(scope="module")
def kernels(tmp_path_factory):
    path = tmp_path_factory.mktemp("slow") / "kernels.py"
    path.write_text(textwrap.dedent(KERNELS))
    return path


def verdict(name, seconds=20.0, budget_seconds=1.0, **how):
    """The verdict within some seconds, with a time limit that a loaded machine keeps."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(budget, "_ELEMENT_LIMITS", budget_seconds / seconds)
        patch.setattr(budget, "_CALL_LIMITS", 3.0 / seconds)
        (result,) = checked(name, Contract(("float32",), process=Limits(seconds), **how))
    return result


@pytest.fixture(scope="module")
def slow(kernels):
    return verdict(f"{kernels}:by_mpmath")


def test_a_plain_mpmath_softmax_passes_and_the_verdict_says_on_how_much(slow):
    assert slow.verdict == "pass"
    assert slow.is_whole
    assert slow.slow.startswith(f"judged on {slow.elements:,} of ")
    whole = int(slow.slow.split()[4].replace(",", ""))
    assert 0 < slow.elements < whole / 10
    assert "since it is slow: " in slow.slow
    assert " µs an element" in slow.slow


@pytest.mark.parametrize("name", ["pure", "sleeping"])
def test_other_slow_ones_pass_too(kernels, name):
    result = verdict(f"{kernels}:{name}", budget_seconds=1.0)
    assert (result.verdict, result.findings) == ("pass", ())
    assert " calls, since it is slow: " in result.slow


def test_what_is_wrong_and_slow_is_found_with_a_witness(kernels):
    result = verdict(f"{kernels}:wrong", parts=("accuracy",))
    finding = next(each for each in result.findings if each.kind == "inaccurate")
    assert witness.parse(finding.witness).block.size


def test_a_call_that_hangs_is_one_finding_beside_what_was_judged(kernels):
    result = verdict(f"{kernels}:hanging", 3.0, 1.0, parts=("accuracy", "layouts"))
    (finding,) = result.findings
    assert finding.kind == "timeout"
    assert re.search(r"when called with float32 of shape \(\d+, \d+, \d+\)$", finding.message)
    assert result.elements > 0


def test_every_document_says_it(slow):
    gated = held_against([slow], None, Settings(), 0)
    assert slow.slow in text_document(gated)
    assert f"<system-out>{slow.slow}</system-out>" in junit_document(gated)
    assert slow.slow.split(",")[0] in markdown_document(gated)
    (result,) = json.loads(json_document(gated, Contract(("float32",))))["results"]
    assert result["slow"] == slow.slow


def test_cells_that_slowness_left_out_are_told_and_no_regression(slow):
    before = replace(slow, slow="", cells=tuple(_whole(each) for each in slow.cells))
    baseline = Baseline(0, {slow.key: (entry_of(before),)})
    gated = held_against([slow], baseline, Settings(), 0)
    assert not gated.failed
    (note,) = [note for note in gated.notes if "were not judged" in note]
    assert slow.slow in note
    fast = replace(slow, slow="")
    assert held_against([fast], baseline, Settings(), 0).failed


def test_what_slowness_left_out_stays_accepted(slow):
    """Or a baseline that was taken on a busy machine would compare little ever after."""
    whole = replace(slow, slow="", cells=tuple(_whole(each) for each in slow.cells))
    accepted = Baseline(0, {}).accepting([whole], PARTS)
    (entry,) = accepted.accepting([slow], PARTS).entries[slow.key]
    assert {*entry.cells} == {each.name for each in (*whole.cells, *slow.cells)}
    (entry,) = accepted.accepting([replace(slow, slow="")], PARTS).entries[slow.key]
    assert {*entry.cells} == {each.name for each in slow.cells}


def _whole(cell):
    return replace(cell, name=cell.name.partition(",step=")[0])


def test_cells_of_other_rows_have_other_names(slow):
    names = [each.name for each in slow.cells]
    assert len({*names}) == len(names)
    assert any(",step=" in name for name in names)


@pytest.fixture(scope="module")
def plan():
    return list(recipes(PROBLEM, float("inf"), 0))


def of(each):
    return Pace(per_element=each, limit=20.0)


def test_a_fast_one_is_asked_everything(plan):
    for pace in (Pace(), of(1e-6)):
        assert fitting_recipes(plan, room(pace, "accuracy")) is plan
        for part in CASES:
            cases = list(cases_of(part, PROBLEM.operation, FORMAT, 0))
            assert fitting_cases(cases, room(pace, part)) is cases


@pytest.mark.parametrize("each", [1e-5, 5e-5, 1e-4, 1e-3])
def test_what_is_asked_fits_and_leaves_out_no_kind(plan, each):
    here = room(of(each), "accuracy")
    thin = fitting_recipes(plan, here)
    assert sum(len(x) for one in thin for x in one.blocks()) * each <= 0.45 * 2 * 20.0
    assert {one.family.name for one in thin} == {one.family.name for one in plan}
    lengths = {one.n.bit_length() for one in plan if one.n * each < 2.0}
    assert lengths <= {one.n.bit_length() for one in thin}
    for part in CASES:
        cases = cases_of(part, PROBLEM.operation, FORMAT, 0)
        some = fitting_cases(list(cases), room(of(each), part))
        assert {one.kind for one in some} == {one.kind for one in cases}


def test_whole_calls_are_asked_of_slow_ones_too():
    cases = list(cases_of("batches", OPERATIONS["attention"], FORMAT, 0))
    whole = {each.told for each in cases if each.arguments is not None}
    some = fitting_cases(cases, room(Pace(per_call=0.3, limit=20.0), "batches"))
    assert len(some) < len(cases) and whole <= {each.told for each in some}


def test_who_compiles_for_each_shape_is_asked_few_shapes_and_all_families(plan):
    pace = Pace(per_shape=1.2, limit=20.0)
    some = fitting_recipes(plan, room(pace, "accuracy"))
    shapes = {x.shape for one in some for x in one.blocks()}
    assert 30 < len(shapes) <= 0.45 * 8 * 20.0 / 1.2
    assert len(some) > 2 * len(shapes)
    busy = Pace(per_call=0.017, limit=10.0, per_shape=1.4)  # as on two cores under a load of ten
    few = fitting_recipes(plan, room(busy, "accuracy"))
    assert sum(one.elements for one in few) > 300_000 and too_slow(few, plan) == []
    assert {one.family.name for one in some} == {one.family.name for one in plan}
    whole = repeats.requests(
        Subject.here(described("mine", {}, ""), PROBLEM), 0
    )  # which have three shapes, however often they are repeated
    assert fitting_repeats(whole, room(pace, "repeats")) == whole


def test_who_is_judged_on_nearly_nothing_has_not_passed(plan):
    for pace in (of(1e-3), Pace(per_call=1.0, limit=20.0)):
        assert too_slow(fitting_recipes(plan, room(pace, "accuracy")), plan) == []
    for pace in (of(0.1), Pace(per_call=10.0, limit=20.0)):
        ((fault, _),) = too_slow(fitting_recipes(plan, room(pace, "accuracy")), plan)
        assert fault.kind == "timeout"
        assert "is too slow to be judged: rows of " in fault.message


def test_nearly_the_same_pace_asks_the_same_rows(plan):
    """In most pairs a twentieth apart; else one asks each second row of what the other asks."""
    paces = 1e-5 * 1.05 ** np.arange(24)
    asked = [{*fitting_recipes(plan, room(of(each), "accuracy"))} for each in paces]
    same = [len(a & b) > 0.9 * len(a) for a, b in itertools.pairwise(asked)]
    assert sum(same) >= 0.7 * len(same)


def test_no_call_is_larger_than_what_surely_ends_within_the_limit(plan):
    pace = of(1e-4)
    for one in fitting_recipes(plan, room(pace, "accuracy")):
        assert one.block(0).size * pace.per_element <= pace.limit / 2


@pytest.mark.parametrize("n, rows, step", [(33, 100, 8), (7, 10, 16), (30000, 9, 2), (30000, 9, 4)])
def test_a_thin_recipe_has_rows_of_the_whole_one_under_their_names(n, rows, step):
    whole = Recipe(FAMILIES["normal-10"], FORMAT, n, rows, 0)
    thin = replace(whole, step=step)
    count = 0
    for start in thin.starts:
        for place, row in enumerate(thin.block(start)):
            found = witness.parse(recipe_text(thin, thin.row(start, place), 0))
            assert np.array_equal(found.block[found.row], row)
            count += 1
    assert thin.elements == count * n


def test_repeats_become_fewer_and_smaller():
    problem = Problem.of(OPERATIONS["softmax"], FORMAT)
    whole = repeats.requests(Subject.here(described("mine", {}, ""), problem), 0)
    assert fitting_repeats(whole, room(Pace(), "repeats")) == whole
    for pace in (of(5e-5), Pace(per_call=0.1, limit=20.0)):
        thin = fitting_repeats(whole, room(pace, "repeats"))
        left_out = {each.x.shape[-1] for each in whole} - {each.x.shape[-1] for each in thin}
        assert left_out <= {40, 130, 257, 4100, 5000, 33_000}  # which are the most elements
        assert all(one.times > 1 for one in thin)
        takes = pace.seconds(sum(map(calls_of, thin)), sum(map(elements_of, thin)))
        assert takes <= 0.1 * (2 if pace.per_element else 10) * 20.0


def test_who_promises_no_length_is_not_judged_and_told_so(tmp_path):
    path = tmp_path / "none.py"
    path.write_text(
        "from softmax_implementations.max_shifted import max_shifted\n"
        "from softmax_implementations.registry import implementation\n"
        "@implementation('none', largest_n={'float32': 0})\n"
        "def none(x, axis=-1):\n"
        "    return max_shifted(x, axis=axis)\n",
        encoding="utf-8",
    )
    (found,) = checked(f"{path}:none", Contract(("float32",), ("accuracy",)))
    assert found.elements == 0 and not found.slow
