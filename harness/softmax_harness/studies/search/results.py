"""What a search found, as text and as a document."""

from __future__ import annotations

from typing import Any

from softmax_harness.ground.documents.as_json import json_text
from softmax_harness.ground.environment import environment
from softmax_harness.studies.search.make import Finding, Witness

SCHEMA = 1


def document(found: Finding) -> str:
    """All of it as JSON."""
    asked = {name: value for name, value in vars(found.asked).items() if name != "said"}
    return json_text(
        {
            "schema": SCHEMA,
            "options": {**asked, **vars(found.asked.said)},
            "environment": environment(),
            "worst": _plain(found.worst),
            "smallest": _plain(found.smallest),
            "broken": _plain(found.broken),
            "evaluations": found.evaluations,
            "sampled_ulp": found.sampled_ulp,
            "faults": list(found.faults),
        }
    )


def _plain(witness: Witness | None) -> dict[str, Any] | None:
    if witness is None:
        return None
    return {"ulp": witness.error, "n": witness.n, "witness": witness.text}


def text(found: Finding) -> str:
    """What a terminal is told; a maximum that was searched for is a lower bound."""
    asked = found.asked
    lines = [
        f"{asked.implementation}, {asked.operation} of up to {asked.n} {asked.dtype}: "
        f"{found.evaluations:,} rows judged"
    ]
    if found.worst is not None:
        lines.append(f"  largest error >= {found.worst.error:.10g} ulp {_at(found.worst)}")
    if found.smallest is not None and found.smallest != found.worst:
        lines.append(f"  a smaller row: {found.smallest.error:.10g} ulp {_at(found.smallest)}")
    if found.broken is not None:
        lines.append(f"  broken {_at(found.broken)}")
    if found.sampled_ulp >= 0:
        lines.append(f"  among the rows it began with: {found.sampled_ulp:.10g} ulp")
    return "\n".join([*lines, *(f"  fault: {fault}" for fault in found.faults)])


def _at(witness: Witness) -> str:
    return f"at {witness.text}" if witness.text else f"in a row of {witness.n} numbers"
