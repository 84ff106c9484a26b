"""For CI servers: JUnit XML."""

from __future__ import annotations

from softmax_harness.check.contract import Checked
from softmax_harness.check.documents.terminal import finding_text, known_text
from softmax_harness.check.gate.gated import Gated
from softmax_harness.ground.documents.junit import Failure, JUnitCase, junit_text


def junit_document(gated: Gated) -> str:
    """A test suite for each implementation, a test case for each dtype."""
    suites: dict[str, list[JUnitCase]] = {}
    for result in gated.results:
        suites.setdefault(result.implementation, []).append(_case(result))
    return junit_text(suites)


def _case(result: Checked) -> JUnitCase:
    if result.verdict == "fail":
        kinds = ", ".join(finding.kind for finding in result.findings)
        text = "\n".join(map(finding_text, result.findings))
        failure = Failure(kinds, "finding", text)
        return JUnitCase(result.implementation, result.dtype, failure, output=_output(result))
    not_judged = None if result.verdict == "pass" else "; ".join((result.verdict, *result.reported))
    return JUnitCase(
        result.implementation, result.dtype, skipped=not_judged, output=_output(result)
    )


def _output(result: Checked) -> str:
    """What is worth telling beside the verdict, a line each."""
    known = (f"declared as known: {known_text(each)}" for each in result.expected)
    return "\n".join([*[result.slow] * bool(result.slow), *known])
