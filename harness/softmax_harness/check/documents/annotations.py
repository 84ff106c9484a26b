"""For GitHub Actions: what it shows as annotations."""

from __future__ import annotations

from softmax_harness.check.gate.gated import Gated
from softmax_harness.ground.documents.github import annotation


def annotation_lines(gated: Gated) -> str:
    """An error for each finding, a notice for each note."""
    errors = [
        annotation(
            "error",
            f"{finding.message}\n{finding.replay}",
            f"{result.implementation} {result.dtype} {finding.kind}",
        )
        for result in gated.results
        for finding in result.findings
    ]
    return "\n".join([*errors, *(annotation("notice", note) for note in gated.notes)])
