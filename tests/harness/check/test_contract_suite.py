"""The contract suite: its inputs, the smallest witnesses, limits, promises, known findings."""

import math
import textwrap
from dataclasses import replace

import numpy as np
import pytest
from softmax_harness.check.contract import Contract, checked, structure
from softmax_harness.check.contract.checking import verdict
from softmax_harness.check.contract.finding import Finding, first_of_each_kind
from softmax_harness.check.contract.promises import Limit, parsed_limit
from softmax_harness.check.contract.suite import LENGTHS, LONG, recipes
from softmax_harness.ground.errors import BadLimit
from softmax_harness.ground.formats import FORMATS
from softmax_harness.inputs import witness
from softmax_harness.inputs.families import FAMILIES, Recipe
from softmax_harness.inputs.families.sweeps import domain
from softmax_harness.judgement.outcomes import OUTCOMES
from softmax_harness.operations import OPERATIONS, Problem
from softmax_harness.subjects.call import answered
from softmax_harness.subjects.declaration import described
from softmax_harness.subjects.subject import Subject

pytestmark = pytest.mark.usefixtures("truths_kept")
SOFTMAX = OPERATIONS["softmax"]
FLOATS = ("float16", "float32", "float64")


@pytest.mark.parametrize("dtype", FLOATS)
def test_the_suite_reaches_every_length_and_no_further_than_promised(dtype):
    lengths = {recipe.n for recipe in recipes(Problem.of(SOFTMAX, FORMATS[dtype]), math.inf, 0)}
    assert {*LENGTHS, *LONG} <= lengths
    for width in (4, 8, 16, 32, 64, 128):
        assert {width - 1, width, width + 1} <= lengths
    assert max(recipe.n for recipe in recipes(Problem.of(SOFTMAX, FORMATS[dtype]), 100, 0)) == 100


@pytest.mark.parametrize("dtype", FLOATS)
def test_no_window_of_the_domain_is_left_out(dtype):
    """Every window of 2**-16 of exp's domain holds a distance, as far as the format has one."""
    format = FORMATS[dtype]
    family = FAMILIES["sweep-rows"]
    recipe = Recipe(family, format, *family.lengths, family.rows, 0)
    x = np.concatenate(list(recipe.blocks())).astype(float)
    distances = np.unique(x.max(axis=-1, keepdims=True) - x)
    width = domain(format) * 2.0**-16
    gaps = np.diff(np.concatenate([[0.0], distances, [domain(format)]]))
    spacing = format.ulp(distances)
    allowed = width + np.append(spacing, spacing[-1])  # two neighbours were rounded
    assert (gaps <= allowed).all()


def test_every_family_is_sampled_as_it_says_itself(root):
    format = FORMATS["float32"]
    plan = list(recipes(Problem.of(SOFTMAX, format), math.inf, 0))
    sampled = {each.name: each.check for each in FAMILIES.values() if each.check is not None}
    assert set(sampled) == {recipe.family.name for recipe in plan}
    planes, long = {"offset-plane", "scale-plane"}, {"equal-long", "equal-overflow", "vocabulary"}
    apart = planes | long | {"neighbours", "uniform-unit"}
    assert set(FAMILIES) - set(sampled) == apart
    for name, own in sampled.items():
        rows = [(recipe.n, recipe.rows) for recipe in plan if recipe.family.name == name]
        assert {*own.more_rows} <= {*rows}
        assert max(n for n, _ in rows) <= own.longest
        assert own.at_every_length is None or rows == [(n, own.at_every_length(n)) for n, _ in rows]
    source = (root / "harness/softmax_harness/check/contract/suite.py").read_text("utf-8")
    assert not [name for name in FAMILIES if f'"{name}"' in source]


def test_near_ties_are_next_to_the_middle_between_two_numbers():
    format = FORMATS["float32"]
    recipe = Recipe(FAMILIES["near-ties"], format, 2, FAMILIES["near-ties"].rows, 0)
    x = recipe.block(0).astype(np.longdouble)
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    z = e / e.sum(axis=-1, keepdims=True)
    place = z / format.ulp(np.asarray(z, float)) % 1
    nearest = np.abs(place - 0.5).min(axis=-1)
    assert (nearest < 1e-3).all()


@pytest.mark.usefixtures("third_of_contract")
def test_a_softmax_rounded_twice_breaks_the_promise_of_correct_rounding(tmp_path):
    path = tmp_path / "twice.py"
    path.write_text(
        textwrap.dedent(
            """
            import numpy as np
            def twice(x, axis=-1):
                '''By float64 and a float32 on the way.'''
                w = np.asarray(x, np.float64)
                with np.errstate(all="ignore"):
                    e = np.exp(w - w.max(axis=axis, keepdims=True, initial=-np.inf))
                    y = e / e.sum(axis=axis, keepdims=True)
                    return y.astype(np.float32).astype(x.dtype)
            """
        )
    )
    promise = Limit("not_correctly_rounded", 0.0)
    contract = Contract(("float16",), ("accuracy",), limits=(promise,))
    (result,) = checked(f"{path}:twice", contract)
    assert [finding.kind for finding in result.findings] == ["limit"]
    (finding,) = result.findings
    assert finding.metric == "not_correctly_rounded" and finding.value > 0
    (right,) = checked("exact", contract)
    assert right.verdict == "pass"


@pytest.mark.usefixtures("third_of_contract")
def test_a_limit_on_the_error_is_held_and_its_maximum_is_mpmaths():
    parts = ("accuracy",)
    (result,) = checked(
        "max-shifted", Contract(("float32",), parts, limits=(Limit("max_ulp", 1.0),))
    )
    (finding,) = result.findings
    assert finding.kind == "limit" and finding.metric == "max_ulp" and finding.value > 1.0
    assert witness.parse(finding.witness).format is FORMATS["float32"]
    (result,) = checked("wide", Contract(("float32",), parts, limits=(Limit("max_ulp", 0.51),)))
    assert result.verdict == "pass"


@pytest.mark.parametrize("text", ["max_ulp", "max_ulp=two", "max_ulp=-1", "max_ulps=1", "=1"])
def test_a_limit_that_cannot_be_read_is_refused(text):
    with pytest.raises(BadLimit, match="expected METRIC=NUMBER"):
        parsed_limit(text, "--limit")


@pytest.mark.usefixtures("third_of_contract")
def test_a_witness_is_as_small_as_it_gets_and_shows_the_fault():
    (result,) = checked("naive", Contract(("float32",), ("accuracy",)))
    known = {finding.kind: finding for finding in result.expected}
    assert result.verdict == "pass" and not result.findings
    overflow = witness.parse(known["overflow"].witness)
    assert overflow.block.shape == (1, 2)
    assert overflow.block.max() > 88
    found = witness.parse(known["inaccurate"].witness)
    assert found.block.shape[1] <= 2
    assert known["inaccurate"].value > known["inaccurate"].limit


@pytest.mark.usefixtures("third_of_contract")
def test_what_is_known_in_one_dtype_is_news_in_another(tmp_path):
    path = tmp_path / "short.py"
    path.write_text(
        textwrap.dedent(
            """
            import numpy as np
            from softmax_implementations.registry import implementation
            @implementation("short", expected_findings=("overflow in float16",))
            def short(x, axis=-1):
                with np.errstate(all="ignore"):
                    e = np.exp(x)
                    return e / e.sum(axis=axis, keepdims=True)
            """
        )
    )
    contract = Contract(("float16", "float32"), ("accuracy",))
    sixteen, thirty_two = checked(f"{path}:short", contract)
    assert "overflow" in {finding.kind for finding in sixteen.expected}
    assert "overflow" in {finding.kind for finding in thirty_two.findings}


@pytest.mark.usefixtures("third_of_contract")
def test_promised_bits_are_held(tmp_path):
    path = tmp_path / "bits.py"
    path.write_text(
        textwrap.dedent(
            """
            import numpy as np
            from softmax_implementations.registry import implementation
            @implementation("bits", same_bits=("permutation", "layout", "batch"))
            def bits(x, axis=-1):
                with np.errstate(all="ignore"):
                    e = np.exp(x - x.max(axis=axis, keepdims=True, initial=-np.inf))
                    return e / e.sum(axis=axis, keepdims=True)
            """
        )
    )
    parts = ("layouts", "permutations", "batches")
    (result,) = checked(f"{path}:bits", Contract(("float32",), parts))
    assert {finding.kind for finding in result.findings} >= {"permutation"}
    assert all("different bits" in finding.message for finding in result.findings)
    (right,) = checked("exact", Contract(("float32",), parts))
    assert right.verdict == "pass"


@pytest.mark.usefixtures("third_of_contract")
def test_what_is_not_promised_is_reported(tmp_path):
    path = tmp_path / "flushes.py"
    path.write_text(
        textwrap.dedent(
            """
            import numpy as np
            def flushes(x, axis=-1):
                with np.errstate(all="ignore"):
                    e = np.exp(x - np.max(x, axis=axis, keepdims=True))
                    y = e / np.sum(e, axis=axis, keepdims=True)
                return np.where(y < np.finfo(y.dtype).tiny, y.dtype.type(0), y)
            """
        )
    )
    parts = ("accuracy", "shapes")
    (result,) = checked(f"{path}:flushes", Contract(("float32",), parts))
    assert [finding.kind for finding in result.findings] == ["flushed_subnormal"]
    assert any(text.startswith("empty: ") for text in result.reported)
    (result,) = checked(f"{path}:flushes", Contract(("float32",), parts, without=("subnormals",)))
    assert result.verdict == "pass"


def test_one_finding_of_each_kind_says_how_many_there_are():
    findings = [Finding("layout", "first"), Finding("axis", "other"), Finding("layout", "second")]
    kept = first_of_each_kind(findings)
    assert [(each.kind, each.message) for each in kept] == [
        ("layout", "first (and 1 more of this kind)"),
        ("axis", "other"),
    ]


def test_a_finding_of_an_axis_names_the_worst_of_all_its_calls(tmp_path):
    path = tmp_path / "growing.py"
    path.write_text(
        textwrap.dedent(
            """
            import numpy as np
            def growing(x, axis=-1):
                with np.errstate(all="ignore"):
                    e = np.exp(x - np.max(x, axis=axis, keepdims=True))
                    y = e / np.sum(e, axis=axis, keepdims=True)
                if x.ndim == 1 or axis in (-1, x.ndim - 1) or not np.isfinite(y).all():
                    return y
                # One place alone, and the longer the axis, the larger.
                y[(0,) * y.ndim] *= x.dtype.type(1 + x.shape[axis] * 2.0**-12)
                return y
            """
        )
    )
    (result,) = checked(f"{path}:growing", Contract(("float32",), ("axes",)))
    (finding,) = result.findings
    assert finding.kind == "axis" and finding.metric == "max_ulp"
    assert "axis 0 of shape (20011, 5)" in finding.message and "wrong by" in finding.message
    assert finding.worst == finding.value > 2.0**24 > finding.limit


TWO_FAULTS = """
import numpy as np

def two(x, axis=-1):
    '''Not shifted, and along more than two axes twice as large.'''
    with np.errstate(all="ignore"):
        e = np.exp(x)
        y = e / e.sum(axis=axis, keepdims=True)
    if x.ndim > 2:
        y = y * x.dtype.type(2)
    return y
"""


@pytest.mark.usefixtures("third_of_contract")
def test_with_fail_fast_a_verdict_ends_at_its_first_finding(tmp_path):
    path = tmp_path / "two.py"
    path.write_text(TWO_FAULTS)
    whole = Contract(("float32",), ("accuracy", "axes"))
    (all_,) = checked(f"{path}:two", whole)
    (first,) = checked(f"{path}:two", replace(whole, fail_fast=True))
    assert {"overflow", "axis"} < {each.kind for each in all_.findings} and all_.is_whole
    (finding,) = first.findings
    assert first.verdict == "fail" and not first.is_whole
    (same,) = (each for each in all_.findings if each.kind == finding.kind)
    assert finding.witness == same.witness
    assert 0 < first.elements < all_.elements / 10
    later = replace(whole, fail_fast=True, borne=tuple({e.kind for e in all_.findings} - {"axis"}))
    (axis,) = checked(f"{path}:two", later)
    assert {each.kind for each in axis.findings} == {each.kind for each in all_.findings}


@pytest.mark.usefixtures("third_of_contract")
def test_what_is_expected_does_not_end_a_verdict():
    whole = Contract(("float32",), ("accuracy", "shapes"))
    (fast,) = checked("naive", replace(whole, fail_fast=True))
    (all_,) = checked("naive", whole)
    assert repr(fast) == repr(all_) and fast.verdict == "pass" and fast.expected
    limit = (Limit("max_ulp", 1.0),)
    (limited,) = checked("max-shifted", replace(whole, fail_fast=True, limits=limit))
    assert [each.kind for each in limited.findings] == ["limit"]
    assert limited.elements < all_.elements / 2


@pytest.mark.usefixtures("third_of_contract")
def test_fail_fast_holds_for_other_operations(tmp_path):
    path = tmp_path / "wrong.py"
    path.write_text("import numpy as np\ndef wrong(x, axis=-1):\n    return np.exp(x)\n")
    contract = Contract(("float32",), operation="logsumexp")
    (all_,) = checked(f"{path}:wrong", contract)
    (first,) = checked(f"{path}:wrong", replace(contract, fail_fast=True))
    assert first.verdict == all_.verdict == "fail"
    assert len(first.findings) == 1 and first.findings[0].kind == all_.findings[0].kind


def in_lanes(lanes):
    """A softmax whose sum adds term after term in so many lanes."""

    def softmax(x, axis=-1):
        e = np.exp(x - x.max(axis=axis, keepdims=True))
        own = [np.add.accumulate(e[..., lane::lanes], axis=axis)[..., -1:] for lane in range(lanes)]
        return e / sum(own)

    return softmax


@pytest.mark.parametrize("lanes, verdict_", [(1, "fail"), (2, "fail"), (4, "pass")])
@pytest.mark.parametrize("seed", [0, 1])
def test_a_sum_one_by_one_is_found_in_float64_and_one_in_four_lanes_passes(lanes, verdict_, seed):
    """Random terms do not show it: their roundings cancel."""
    declaration = replace(described("mine", None, ""), function=in_lanes(lanes))
    subject = Subject.here(declaration, Problem.of(SOFTMAX, FORMATS["float64"]))
    contract = Contract(("float64",), ("accuracy",), seed=seed, families=("one-above",))
    found = verdict(subject, contract)
    assert found.verdict == verdict_, found.findings
    assert {each.kind for each in found.findings} <= {"inaccurate"}


class _Halves:
    """Gives half of what is right, in this process."""

    def serve(self, requests):
        return [answered(_halved, each.call, Exception) for each in requests]


@np.errstate(all="ignore")
def _halved(x, axis=-1):
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return (e / e.sum(axis=axis, keepdims=True) / 2).astype(x.dtype)


@pytest.mark.parametrize("part", ["layouts", "batches"])
def test_a_simpler_call_is_made_once_for_all_cases_that_fail(part, monkeypatch):
    """Nor is one of them a finding of the part, since alone the row is as wrong: of accuracy."""
    right_rows, made = structure._right_rows, []

    def noted(subject, parts):
        made.extend(each.key for each in parts)
        return right_rows(subject, parts)

    monkeypatch.setattr(structure, "_right_rows", noted)
    problem = Problem.of(SOFTMAX, FORMATS["float32"])
    subject = Subject(described("halved", None, "", "softmax"), problem, _Halves(), is_plain=True)
    found = verdict(subject, Contract(("float32",), parts=(part,)))
    assert found.verdict == "fail" and made
    assert {each.kind for each in found.findings} <= {*OUTCOMES}
    assert all(each.witness and each.worst for each in found.findings)
    assert len(set(made)) == len(made)


def test_who_raises_always_is_told_what_it_is_called_with(tmp_path):
    path = tmp_path / "one_number.py"
    path.write_text("def divided(x, temperature, axis=-1):\n    return x / float(temperature)\n")
    asked = Contract(("float32",), ("accuracy",), operation="softmax_temperature")
    (result,) = checked(f"{path}:divided", asked)
    told = "it is called with x of shape (3, 5), temperature of shape (3, 1)"
    assert [told in each.message for each in result.findings] == [True]
