"""For a person at a terminal, or the log of a CI job."""

from __future__ import annotations

import math

from softmax_harness.check.contract import Checked, Finding
from softmax_harness.check.gate.gated import Gated
from softmax_harness.ground.documents.plain import note_lines


def text_document(gated: Gated) -> str:
    """A line for each implementation and dtype, with what was found below it."""
    lines = [line for each in gated.results for line in _lines(each)]
    return "\n".join([*lines, *note_lines(gated.notes)])


def _lines(result: Checked) -> list[str]:
    size = f"{result.elements:,} elements{_standard(result)}" if result.elements else ""
    lines = [f"{result.verdict:12} {result.implementation} {result.dtype}  {size}".rstrip()]
    lines += [f"  cause: {result.cause}"] * bool(result.cause)
    # Of one cause the worst finding is enough; every other is in the documents.
    shown = result.findings[:1] if result.cause else result.findings
    for finding in shown:
        lines += [f"  {line}" for line in finding_text(finding).split("\n")]
    if others := [finding.kind for finding in result.findings[len(shown) :]]:
        lines.append(f"  also found: {', '.join(others)} (--json FILE has them in full)")
    lines += [f"  declared as known: {known_text(finding)}" for finding in result.expected]
    lines += [f"  {result.slow}"] * bool(result.slow)
    return lines + [f"  reported only: {text}" for text in result.reported]


def _standard(result: Checked) -> str:
    """The standard of accuracy it was held to, and the strictest that it reached."""
    if not result.standard:
        return ""
    misses = [f"; {count} would miss {name}" for name, count in result.would_miss.items()]
    return "".join([f", held to {result.standard}, reached {result.reached or 'none'}", *misses])


def known_text(finding: Finding) -> str:
    """What is expected in a line: its kind, its size if it has a finite one, and what shows it."""
    is_sized = finding.worst is not None and math.isfinite(finding.worst)
    worst = f", the worst by {finding.worst:.4g} ulp" if is_sized else ""
    shown = f"smallest witness {finding.witness}" if finding.witness else finding.message
    return f"{finding.kind}{worst}; {shown}"


def finding_text(finding: Finding) -> str:
    """A finding with its numbers, its witness and the command that shows it again."""
    lines = [f"{finding.kind}: {finding.message}"]
    if finding.witness:
        lines.append(f"  witness {finding.witness}")
    if finding.value is not None and finding.limit is not None:
        whose = "there " * bool(finding.witness)
        lines.append(f"  {whose}{finding.metric} {finding.value:.6g}, limit {finding.limit:.6g}")
    return "\n".join([*lines, *[f"  {finding.replay}"] * bool(finding.replay)])
