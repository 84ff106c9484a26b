"""A project's table of other operations: what it names is checked, and waived, for itself."""

import pytest
from softmax_harness.check.gate.settings import found_settings
from softmax_harness.ground.errors import BadSettings

TABLE = """
[tool.softmax-harness]
baseline = "baseline.json"
strict = true

[tool.softmax-harness.operations.log_softmax]
implementations = ["kernel.py:log_softmax"]
dtypes = ["float32"]
limits = [{max_ulp = 4}]

[[tool.softmax-harness.operations.log_softmax.waivers]]
kind = "overflow"
reason = "known"
expires = 2030-01-31
"""


def settings(folder, text):
    (folder / "pyproject.toml").write_text(text, encoding="utf-8")
    return found_settings(folder)


def test_an_operation_has_its_own_names_limits_and_waivers(tmp_path):
    project = settings(tmp_path, TABLE)
    own = project.of("log_softmax")
    assert project.named_operations == ("log_softmax",)
    assert own.implementations == ("kernel.py:log_softmax",) and own.dtypes == ("float32",)
    assert [each.metric for each in own.limits] == ["max_ulp"]
    assert [each.kind for each in own.waivers] == ["overflow"]
    assert own.baseline == project.baseline == tmp_path / "baseline.json" and own.strict
    other = project.of("logsumexp")
    assert not (other.implementations or other.limits or other.waivers)
    assert other.baseline == project.baseline


def test_softmax_is_checked_too_where_the_project_names_one(tmp_path):
    named = TABLE.replace("strict = true", 'implementations = ["kernel.py:softmax"]')
    assert settings(tmp_path, named).named_operations == ("softmax", "log_softmax")
    assert settings(tmp_path, "[tool.softmax-harness]\n").named_operations == ("softmax",)


@pytest.mark.parametrize(
    "given, wrong, message",
    [
        ("operations.log_softmax", "operations.log_sofmax", "did you mean log_softmax"),
        ("implementations =", "implementation =", "did you mean implementations"),
        ("implementations =", "baseline = 'b'\nimplementations =", "baseline"),
        ("operations.log_softmax", "operations.softmax", "softmax"),
    ],
)
def test_what_is_misspelt_or_stands_elsewhere_is_refused(tmp_path, given, wrong, message):
    with pytest.raises(BadSettings, match=message):
        settings(tmp_path, TABLE.replace(given, wrong))
