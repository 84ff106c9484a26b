"""Who checks the checker: every broken softmax fails for the right reason, and no right one fails."""

import ast
import re
from pathlib import Path

import pytest
from softmax_harness.check.contract import Contract, checked
from softmax_harness.subjects.isolation import Limits

FOLDER = Path(__file__).parent
_NOT_SUBJECTS = ("good.py", Path(__file__).name)
_SECONDS_TO_HANG = 5.0  # enough for any of them that does end


def subjects():
    """Each public function of the files here, with what its docstring says of it."""
    for path in sorted(set(FOLDER.glob("*.py")) - {FOLDER / name for name in _NOT_SUBJECTS}):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
                yield path, node.name, ast.get_docstring(node)


def listed(label, text):
    """The words after ``label:`` in a docstring."""
    found = re.search(rf"{label}: ([\w, ]+)", text)
    return tuple(found[1].split(", ")) if found else ()


ALL = list(subjects())
MUTANTS = [
    pytest.param(path, name, text, id=f"{path.stem}-{name}")
    for path, name, text in ALL
    if path.stem != "right"
]
RIGHT = [
    pytest.param(path, name, dtype, id=f"{name}-{dtype}")
    for path, name, text in ALL
    if path.stem == "right"
    for dtype in listed("dtypes", text) or ("float16", "float32", "float64")
]


# Which part of the suite makes findings of a kind; the others come from the accuracy of plain rows.
PARTS_OF = {
    "layout": "layouts",
    "axis": "axes",
    "batch": "batches",
    "empty": "shapes",
    "scalar": "shapes",
    "integers": "integers",
    "nondeterminism": "repeats",
    "result_overwritten": "repeats",
}


def parts_for(kinds):
    """The parts that make findings of these kinds, those that are soon done first."""
    found = dict.fromkeys(PARTS_OF.get(kind, "accuracy") for kind in kinds)
    return sorted(found, key=lambda part: part in ("accuracy", "batches"))


def findings_of(path, name, dtype, kinds):
    """What `check` finds, part by part until there is a finding of one of the kinds."""
    found = []
    for part in parts_for(kinds):
        (result,) = checked(f"{path}:{name}", Contract((dtype,), (part,)))
        found += result.findings
        if kinds & {finding.kind for finding in found}:
            break
    return found


def test_there_are_enough_of_them():
    assert len(MUTANTS) >= 60
    assert len({each.values[1] for each in RIGHT}) >= 12


@pytest.mark.parametrize("path, name, text", [m for m in MUTANTS if m.values[0].stem != "deaths"])
def test_a_broken_softmax_fails_for_the_right_reason(path, name, text):
    (dtype, *_) = listed("dtypes", text) or ("float32",)
    kinds = {*listed("Found as", text)}
    findings = findings_of(path, name, dtype, kinds)
    assert kinds & {finding.kind for finding in findings}, findings
    assert all(each.replay.startswith("softmax-harness ") for each in findings)


@pytest.mark.parametrize("path, name, text", [m for m in MUTANTS if m.values[0].stem == "deaths"])
def test_a_softmax_that_ends_its_process_or_never_ends_is_one_finding(path, name, text):
    limits = Limits(_SECONDS_TO_HANG)
    (result,) = checked(f"{path}:{name}", Contract(("float32",), process=limits))
    assert result.verdict == "fail"
    (finding,) = result.findings
    assert finding.kind in listed("Found as", text)


@pytest.mark.parametrize("path, name, dtype", RIGHT)
def test_a_right_softmax_passes(path, name, dtype):
    (result,) = checked(f"{path}:{name}", Contract((dtype,)))
    assert result.verdict == "pass", result.findings
