"""For CI servers: JUnit XML as Jenkins, GitLab and GitHub's reporters read it."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from softmax_harness.check.contract import Checked, Contract
from softmax_harness.check.documents.terminal import finding_text
from softmax_harness.check.gate.gated import Gated

# What XML 1.0 cannot hold, not even escaped; a plug-in's messages may.
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit_document(gated: Gated, contract: Contract) -> str:
    """A test suite for each implementation, a test case for each dtype."""
    root = ElementTree.Element("testsuites")
    for name in dict.fromkeys(each.implementation for each in gated.results):
        own = [each for each in gated.results if each.implementation == name]
        suite = ElementTree.SubElement(root, "testsuite", _counts(name, own))
        for result in own:
            _add_case(suite, result)
    ElementTree.indent(root, " ")
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _counts(name: str, results: list[Checked]) -> dict[str, str]:
    failures = sum(each.verdict == "fail" for each in results)
    skipped = sum(each.verdict not in ("pass", "fail") for each in results)
    counts = {"tests": len(results), "failures": failures, "errors": 0, "skipped": skipped}
    return {"name": _xml(name)} | {key: str(count) for key, count in counts.items()}


def _add_case(suite: ElementTree.Element, result: Checked) -> None:
    names = {"classname": _xml(result.implementation), "name": result.dtype}
    case = ElementTree.SubElement(suite, "testcase", names)
    if result.verdict == "fail":
        kinds = ", ".join(finding.kind for finding in result.findings)
        failure = ElementTree.SubElement(case, "failure", {"message": kinds, "type": "finding"})
        failure.text = _xml("\n".join(map(finding_text, result.findings)))
    elif result.verdict != "pass":
        why = _xml("; ".join((result.verdict, *result.reported)))
        ElementTree.SubElement(case, "skipped", {"message": why})


def _xml(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)
