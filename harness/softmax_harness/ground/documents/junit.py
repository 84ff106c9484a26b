"""JUnit XML, for CI servers, as Jenkins, GitLab and GitHub's reporters read it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from xml.etree import ElementTree

# What XML 1.0 cannot hold, not even escaped; the message of an exception may.
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True)
class Failure:
    """Why a test case failed.

    Attributes
    ----------
    message : str
        In a few words.
    type : str
        What kind of failure it is.
    text : str
        Everything there is to say.
    """

    message: str
    type: str
    text: str


@dataclass(frozen=True)
class JUnitCase:
    """A test case, which passed unless something else is said.

    Attributes
    ----------
    classname, name : str
    failure : Failure or None
    skipped : str or None
        Why it was not run.
    output : str
        What there is to say of it besides; nothing where it is empty.
    """

    classname: str
    name: str
    failure: Failure | None = None
    skipped: str | None = None
    output: str = ""


def junit_text(suites: Mapping[str, Sequence[JUnitCase]]) -> str:
    """A document of test suites, each with its name and its cases."""
    root = ElementTree.Element("testsuites")
    for name, cases in suites.items():
        suite = _added(root, "testsuite", {"name": name} | _counts(cases))
        for case in cases:
            _add_case(suite, case)
    ElementTree.indent(root, " ")
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _counts(cases: Sequence[JUnitCase]) -> dict[str, str]:
    failures = sum(case.failure is not None for case in cases)
    skipped = sum(case.skipped is not None for case in cases)
    counts = {"tests": len(cases), "failures": failures, "errors": 0, "skipped": skipped}
    return {key: str(count) for key, count in counts.items()}


def _add_case(suite: ElementTree.Element, case: JUnitCase) -> None:
    element = _added(suite, "testcase", {"classname": case.classname, "name": case.name})
    if case.failure is not None:
        names = {"message": case.failure.message, "type": case.failure.type}
        _added(element, "failure", names).text = _xml(case.failure.text)
    elif case.skipped is not None:
        _added(element, "skipped", {"message": case.skipped})
    if case.output:
        _added(element, "system-out", {}).text = _xml(case.output)


def _added(
    parent: ElementTree.Element, tag: str, attributes: Mapping[str, str]
) -> ElementTree.Element:
    texts = {name: _xml(text) for name, text in attributes.items()}
    return ElementTree.SubElement(parent, tag, texts)


def _xml(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)
