"""The documents that tell how a check came out."""

import json
import math
from dataclasses import replace

import junitparser
import pytest
from softmax_harness.check.contract import Checked, Contract, Finding
from softmax_harness.check.contract.promises import Limit
from softmax_harness.check.documents.annotations import annotation_lines
from softmax_harness.check.documents.as_json import json_document
from softmax_harness.check.documents.junit import junit_document
from softmax_harness.check.documents.markdown import markdown_document
from softmax_harness.check.documents.source import place_of
from softmax_harness.check.documents.terminal import text_document
from softmax_harness.check.gate.gated import Gated
from softmax_harness.subjects.isolation import Limits

OVERFLOW = Finding(
    "overflow", "gives nan", "max_ulp", math.nan, 3.5, "float32:0x1p+7@0", "replay it"
)
PASSED = Checked("kernel.py:f", "float32", "pass", elements=9)


def failed(*findings, **fields):
    return replace(PASSED, verdict="fail", findings=findings, **fields)


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
        "declared as known: overflow, the worst by 12.25 ulp; smallest witness float32:0x1p+7@0",
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
        "inaccurate, the worst by 856.6 ulp; smallest witness float32:0x1p+7@0",
        "overflow; smallest witness float32:0x1p+7@0",
        "layout; is wrong where rows lie backwards",
    )
    lines = text_document(gated).splitlines()
    assert lines[1:] == [f"  declared as known: {each}" for each in told]
    shown = markdown_document(gated)
    assert all(f"Declared as known of kernel.py:f, float32: {each}" in shown for each in told)
