"""For programs: JSON with a schema number."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from softmax_harness.check.contract import Checked, Contract
from softmax_harness.check.gate.gated import Gated
from softmax_harness.ground.documents.as_json import json_text
from softmax_harness.ground.environment import environment

SCHEMA = 1


def json_document(gated: Gated, contract: Contract) -> str:
    """``results`` has one entry for each implementation and dtype."""
    document = {
        "schema": SCHEMA,
        "options": {
            "seed": contract.seed,
            "dtypes": contract.dtypes,
            "only": contract.parts,
            "limits": [vars(limit) for limit in contract.limits],
            "without": contract.without,
            "fail_fast": contract.fail_fast,
            "policy": asdict(contract.policy),
            "time_limit": contract.process.seconds,
            "memory_limit": contract.process.memory >> 20,
        },
        "environment": environment(),
        "results": [result_fields(each) for each in gated.results],
        "notes": gated.notes,
    }
    return json_text(document)


def result_fields(result: Checked) -> dict[str, Any]:
    """A verdict as plain data."""
    return {
        "implementation": result.implementation,
        "dtype": result.dtype,
        "operation": result.operation,
        "verdict": result.verdict,
        "elements": result.elements,
        "standard": result.standard,
        "reached": result.reached,
        "would_miss": result.would_miss,
        "cause": result.cause,
        "slow": result.slow,
        "findings": [vars(each) for each in result.findings],
        "expected": [vars(each) for each in result.expected],
        "reported": result.reported,
    }
