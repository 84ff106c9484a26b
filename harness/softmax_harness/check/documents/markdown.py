"""For a comment or a step's summary: Markdown."""

from __future__ import annotations

from softmax_harness.check.contract import Checked, Finding
from softmax_harness.check.documents.terminal import known_text
from softmax_harness.check.gate.gated import Gated
from softmax_harness.ground.documents.markdown import (
    command_lines,
    escaped,
    markdown_text,
    table_lines,
)

_MARKS = {"pass": "✅ pass", "fail": "❌ fail"}


def markdown_document(gated: Gated, verb: str = "check") -> str:
    """A table of verdicts, then each finding with the command that shows it again.

    The title names the `verb` whose verdicts they are.
    """
    counted = [each for each in gated.results if each.verdict in _MARKS]
    passed = sum(each.verdict == "pass" for each in counted)
    return markdown_text(
        f"softmax-harness {verb}: {passed} of {len(counted)} pass",
        table_lines(("implementation", "dtype", "verdict", "findings"), map(_row, gated.results)),
        [part for each in gated.results for part in _of_result(each)],
        gated.notes,
    )


def _row(result: Checked) -> tuple[str, ...]:
    kinds = ", ".join(finding.kind for finding in result.findings)
    verdict = _MARKS.get(result.verdict, result.verdict)
    if result.slow:
        verdict = f"{verdict}, {result.slow}"
    return result.implementation, result.dtype, verdict, kinds


def _of_result(result: Checked) -> list[list[str]]:
    found = [part for finding in result.findings for part in _parts(result, finding)]
    return found + [_known(result, finding) for finding in result.expected]


def _parts(result: Checked, finding: Finding) -> tuple[list[str], list[str]]:
    head = f"**{escaped(finding.kind)}** in {escaped(result.implementation)}, {result.dtype}"
    return [f"{head}: {escaped(finding.message)}"], command_lines(finding.replay)


def _known(result: Checked, finding: Finding) -> list[str]:
    """What a declaration expects, with its size and what shows it."""
    whose = f"{escaped(result.implementation)}, {result.dtype}"
    return [f"Declared as known of {whose}: {escaped(known_text(finding))}"]
