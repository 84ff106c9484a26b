"""For GitHub Actions: what it shows as annotations."""

from __future__ import annotations

from softmax_harness.check.documents.source import place_of
from softmax_harness.check.gate.gated import Gated
from softmax_harness.ground.documents.github import annotation


def annotation_lines(gated: Gated) -> str:
    """An error for each finding, at the function that has it, and a notice for each note."""
    failing = {result.implementation for result in gated.results if result.findings}
    places = {name: place_of(name) for name in failing}
    errors = [
        annotation(
            "error",
            f"{finding.message}\n{finding.replay}",
            f"{result.implementation} {result.dtype} {finding.kind}",
            places[result.implementation],
        )
        for result in gated.results
        for finding in result.findings
    ]
    return "\n".join([*errors, *(annotation("notice", note) for note in gated.notes)])
