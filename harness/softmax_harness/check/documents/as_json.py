"""For programs: JSON with a schema number, non-finite numbers as strings."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from typing import Any

from softmax_harness.check.contract import Checked, Contract, Finding
from softmax_harness.check.gate.gated import Gated
from softmax_harness.ground.environment import environment

SCHEMA = 1


def json_document(gated: Gated, contract: Contract) -> str:
    """``results`` has one entry for each implementation and dtype."""
    document = {
        "schema": SCHEMA,
        "options": {
            "seed": contract.seed,
            "dtypes": list(contract.dtypes),
            "only": list(contract.parts),
            "limits": [
                vars(limit) | {"number": _number(limit.number)} for limit in contract.limits
            ],
            "without": list(contract.without),
            "fail_fast": contract.fail_fast,
            "policy": asdict(contract.policy),
            "time_limit": _number(contract.process.seconds),
            "memory_limit": contract.process.memory >> 20,
        },
        "environment": environment(),
        "results": [_result(each, contract.operation) for each in gated.results],
        "notes": gated.notes,
    }
    return json.dumps(document, indent=1, allow_nan=False) + "\n"


def _result(result: Checked, operation: str) -> dict[str, Any]:
    return {
        "implementation": result.implementation,
        "dtype": result.dtype,
        "operation": operation,
        "verdict": result.verdict,
        "elements": result.elements,
        "findings": [_finding(each) for each in result.findings],
        "expected": [_finding(each) for each in result.expected],
        "reported": list(result.reported),
    }


def _finding(finding: Finding) -> dict[str, Any]:
    numbers = {"value": _number(finding.value), "limit": _number(finding.limit)}
    return vars(finding) | numbers


def _number(value: float | None) -> float | str | None:
    return value if value is None or math.isfinite(value) else str(value)
