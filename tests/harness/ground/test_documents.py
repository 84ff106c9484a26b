"""The writers of documents: whatever is given to them, others can read."""

import json
import math
import sys
from xml.etree import ElementTree

import numpy as np
import pytest
from softmax_harness.ground.documents.as_json import json_text
from softmax_harness.ground.documents.github import (
    add_to_summary,
    annotation,
    shows_annotations,
)
from softmax_harness.ground.documents.junit import Failure, JUnitCase, junit_text
from softmax_harness.ground.documents.markdown import (
    command_lines,
    escaped,
    markdown_text,
    table_lines,
)
from softmax_harness.ground.documents.plain import counted, note_lines
from softmax_harness.ground.errors import BadFolder


def test_json_has_what_is_not_finite_as_strings_however_deep():
    document = {"a": [math.inf, {"b": (-math.inf, 1.5, np.float64("nan"))}], "c": None, "d": True}

    def refused(constant):
        raise AssertionError(constant)

    text = json_text(document)
    assert text.endswith("}\n")
    assert json.loads(text, parse_constant=refused) == {
        "a": ["inf", {"b": ["-inf", 1.5, "nan"]}],
        "c": None,
        "d": True,
    }


def test_markdown_is_a_title_a_table_paragraphs_and_notes():
    table = table_lines(("name", "verdict"), [("a|b", "fails"), ("<c>", "")])
    text = markdown_text("Title", table, [["**what**: why"], command_lines("do it")], ["a\n_note_"])
    assert text == (
        "### Title\n\n"
        "| name | verdict |\n|---|---|\n| a\\|b | fails |\n| \\<c\\> |  |\n\n"
        "**what**: why\n\n```sh\ndo it\n```\n\n> a \\_note\\_\n"
    )


@pytest.mark.parametrize("text", ["`a` *b* _c_", "# d", "[e](f)", "<g>", "|", "\\"])
def test_markdown_takes_no_mark_for_its_own(text):
    without = escaped(text)
    for mark in "\\`*_|[]<>#":
        without = without.replace(f"\\{mark}", "")
    assert not set(without) & set("\\`*_|[]<>#")


def test_junit_counts_its_cases_and_drops_what_xml_cannot_hold():
    failed = JUnitCase("c", "failed", Failure("raised", "finding", "50% <b>\x07\ud800"))
    cases = [failed, JUnitCase("c", "passed"), JUnitCase("c", "skipped", skipped="no\x00 torch")]
    text = junit_text({'a "suite" & <more>': cases, "empty": []})
    first, second = ElementTree.fromstring(text.encode("utf-8"))
    assert first.attrib == {
        "name": 'a "suite" & <more>',
        "tests": "3",
        "failures": "1",
        "errors": "0",
        "skipped": "1",
    }
    assert second.get("tests") == "0"
    failure, skipped = first[0][0], first[2][0]
    assert (failure.tag, failure.text) == ("failure", "50% <b>\ufffd\ufffd")
    assert failure.attrib == {"message": "raised", "type": "finding"}
    assert len(first[1]) == 0
    assert (skipped.tag, skipped.get("message")) == ("skipped", "no\ufffd torch")


def test_an_annotation_is_one_line():
    assert annotation("notice", "100%\r\nmore") == "::notice::100%25%0D%0Amore"
    assert annotation("error", "a: b, c", "d: e, f") == "::error title=d%3A e%2C f::a: b, c"
    placed = annotation("error", "text", "title", ("a,b.py", 3))
    assert placed == "::error file=a%2Cb.py,line=3,title=title::text"


def test_a_summary_is_added_where_there_is_one(tmp_path, monkeypatch):
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    add_to_summary("nowhere")
    assert not shows_annotations()
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    add_to_summary("❌ one\n")
    add_to_summary("two\n")
    assert (tmp_path / "summary.md").read_text(encoding="utf-8") == "❌ one\ntwo\n"
    assert shows_annotations()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limits")
def test_a_summary_that_has_no_room_is_as_it_was(tmp_path, monkeypatch):
    resource = pytest.importorskip("resource")
    summary = tmp_path / "summary.md"
    summary.write_text("earlier\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))
    try:
        with pytest.raises(BadFolder, match="cannot be written \\(File too large\\)"):
            add_to_summary("much" * 100)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert summary.read_text() == "earlier\n"


def test_plain_text_counts_and_notes():
    assert counted({"worse": 1, "better": 0}) == "1 worse, 0 better"
    assert note_lines(["a", "b"]) == ["note: a", "note: b"]
