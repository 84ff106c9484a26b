"""For a comment or a step's summary: Markdown as GitHub and GitLab show it."""

from __future__ import annotations

from softmax_harness.check.contract import Checked, Contract, Finding
from softmax_harness.check.gate.gated import Gated

_MARKS = {"pass": "✅ pass", "fail": "❌ fail"}


def markdown_document(gated: Gated, contract: Contract) -> str:
    """A table of verdicts, then each finding with the command that shows it again."""
    failed = [each for each in gated.results if each.findings]
    counted = [each for each in gated.results if each.verdict in _MARKS]
    passed = sum(each.verdict == "pass" for each in counted)
    lines = [
        f"### softmax-harness check: {passed} of {len(counted)} pass",
        "",
        "| implementation | dtype | verdict | findings |",
        "|---|---|---|---|",
        *(_row(each) for each in gated.results),
        *(line for each in failed for finding in each.findings for line in _finding(each, finding)),
        *(f"\n> {_text(note)}" for note in gated.notes),
    ]
    return "\n".join(lines) + "\n"


def _row(result: Checked) -> str:
    kinds = ", ".join(finding.kind for finding in result.findings)
    verdict = _MARKS.get(result.verdict, result.verdict)
    return f"| {_text(result.implementation)} | {result.dtype} | {verdict} | {_text(kinds)} |"


def _finding(result: Checked, finding: Finding) -> list[str]:
    head = f"**{_text(finding.kind)}** in {_text(result.implementation)}, {result.dtype}"
    return ["", f"{head}: {_text(finding.message)}", "", "```sh", finding.replay, "```"]


def _text(text: str) -> str:
    """Text that stays text: nothing in it is taken for HTML, a table's border or emphasis."""
    for mark in "\\`*_|[]<>#":
        text = text.replace(mark, f"\\{mark}")
    return " ".join(text.split())
