"""The verdicts of a check as a JSON document."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

from softmax_harness.contract.checked import Checked, Contract
from softmax_harness.contract.finding import Finding
from softmax_harness.environment import environment

SCHEMA = 1


def check_document(results: list[Checked], contract: Contract) -> dict[str, Any]:
    """``results`` has one entry for each implementation and dtype; non-finite numbers are strings."""
    return {
        "schema": SCHEMA,
        "options": {
            "seed": contract.seed,
            "dtypes": list(contract.dtypes),
            "only": list(contract.parts),
            "limits": dict(contract.limits),
            "without": list(contract.without),
            "policy": asdict(contract.policy),
            "time_limit": contract.process.seconds,
            "memory_limit": contract.process.memory >> 20,
        },
        "environment": environment(),
        "results": [_result(each) for each in results],
    }


def _result(result: Checked) -> dict[str, Any]:
    return {
        "implementation": result.implementation,
        "dtype": result.dtype,
        "operation": "softmax",
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
