"""For GitHub Actions: workflow commands, which it shows as annotations."""

from __future__ import annotations

from softmax_harness.check.gate.gated import Gated


def annotation_lines(gated: Gated) -> str:
    """``::error`` for each finding, ``::notice`` for each note."""
    lines = [
        f"::error title={_property(f'{result.implementation} {result.dtype} {finding.kind}')}::"
        + _data(f"{finding.message}\n{finding.replay}")
        for result in gated.results
        for finding in result.findings
    ]
    return "\n".join([*lines, *(f"::notice::{_data(note)}" for note in gated.notes)])


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
