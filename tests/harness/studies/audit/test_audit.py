"""What rules let pass, of softmaxes with known faults and of right ones."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from softmax_harness.cli import commands
from softmax_harness.ground.formats import FORMATS
from softmax_harness.inputs.families import FAMILIES, Recipe
from softmax_harness.operations import OPERATIONS
from softmax_harness.studies.audit.auditing import audit, tightest
from softmax_harness.studies.audit.judged import Asked
from softmax_harness.studies.audit.published import PUBLISHED
from softmax_harness.studies.audit.rule import parse_rule

DOCUMENTED = Path(__file__).parents[4] / "docs" / "published-tolerances.md"
ZEROS = "zeros"


def asked(dtype, rows, n, family="normal-1", operation="softmax"):
    recipe = Recipe(FAMILIES[family], FORMATS[dtype], n, rows, 0)
    return Asked.of(OPERATIONS[operation], recipe)


def names(answers):
    return {each.name for each in answers}


def tried(rule, about):
    return audit(parse_rule(rule), about, list(about.answers()))


def test_zeros_pass_a_tolerance_wider_than_the_results():
    found = tried("allclose(rtol=1e-2, atol=1e-2)", asked("bfloat16", 1, 3000, "uniform-unit"))
    zeros = next(each for each in found.let_pass if each.name == ZEROS)
    assert zeros.relative == 1.0
    assert {"gain_of_0_72", "wrong_sign"} <= names(found.let_pass)
    assert not found.failed


def test_faults_are_told_in_a_format_of_one_byte_too():
    """Whose own arithmetic may err by as much as a result: by that no fault would be one."""
    pytest.importorskip("ml_dtypes", reason="pip install 'softmax-harness[narrow]'")
    found = tried("allclose(rtol=0.1, atol=0.1)", asked("float8_e4m3fn", 16, 1000))
    assert {ZEROS, "mean_of_row"} <= names(found.let_pass) and not found.failed
    assert "wide" in names(found.accepted)


@pytest.mark.parametrize("n, passes", [(1024, False), (2048, True)])
def test_three_n_steps_reach_from_the_right_result_to_0_where_rows_are_long(n, passes):
    about = asked("float16", 1, n, "zeros")
    found = tried("ulp(3*n+3)", about)
    assert (ZEROS in names(found.let_pass)) == passes
    assert (ZEROS in names(found.caught)) != passes


@pytest.mark.parametrize("operation", ["softmax", "log_softmax"])
def test_the_tightest_rules_accept_every_right_one_and_tighter_ones_do_not(operation):
    about = asked("float32", 4, 100, operation=operation)
    answers = list(about.answers())
    steps, close = tightest(about, answers)
    for rule in (steps, close):
        found = audit(rule, about, answers)
        assert found.accepted and not found.failed
    fewer = parse_rule(f"ulp({int(steps.limit) - 1})")
    assert audit(fewer, about, answers).failed
    nearer = parse_rule(f"allclose(rtol={0.8 * close.rtol}, atol={close.atol})")
    assert audit(nearer, about, answers).failed


def test_every_answer_is_in_one_group():
    about = asked("float32", 4, 100)
    answers = list(about.answers())
    found = audit(parse_rule("ulp(1)"), about, answers)
    groups = (found.let_pass, found.caught, found.failed, found.accepted, found.unseen)
    grouped = [each.name for group in groups for each in group]
    assert len(grouped) == len(set(grouped)) <= len(answers)
    assert all(np.isfinite(each.y).shape == about.golden.shape for each in answers)
    assert {"minimum_subtracted", "whole_array_as_one_row"} <= {
        *names(found.caught),
        *names(found.unseen),
    }
    assert {"max-shifted", "wide"} <= names(found.accepted) | names(found.failed)


def printed(*words):
    return CliRunner().invoke(commands, ["audit", *words], catch_exceptions=False).output


def test_the_command_says_what_passes_and_writes_it(tmp_path):
    file = tmp_path / "audit.json"
    words = ("allclose(rtol=0, atol=0.5)", "--shape", "2,64", "--tight", "--json", str(file))
    lines = printed(*words).splitlines()
    assert lines[0].startswith("allclose(rtol=0, atol=0.5): softmax, float32, 2 rows of 64")
    assert any(line.split()[:1] == [ZEROS] for line in lines)
    document = json.loads(file.read_text())
    assert [each["rule"].split("(")[0] for each in document["audits"]] == [
        "allclose",
        "ulp",
        "allclose",
    ]
    assert ZEROS in [each["name"] for each in document["audits"][0]["let_pass"]]


def test_the_table_of_published_rules_is_what_the_command_finds():
    documented = DOCUMENTED.read_text(encoding="utf-8")
    assert len(PUBLISHED) >= 10
    for name, about in PUBLISHED.items():
        assert f"| `{name}`: {parse_rule(about.rule).text} | {about.source} |" in documented
    about = PUBLISHED["webnn"]
    found = tried(about.rule, asked(about.dtype, about.rows, about.n, about.family))
    share = f"{len(found.let_pass)} of {len(found.let_pass) + len(found.caught)}"
    (line,) = [line for line in documented.splitlines() if line.startswith("| `webnn`")]
    assert f"| {share} |" in line
