"""What exhausting found, as a table and as documents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from softmax_harness.ground.documents.as_json import json_text
from softmax_harness.ground.environment import environment
from softmax_harness.judgement.outcomes import OUTCOMES
from softmax_harness.studies.exhaustive.confirming import Maximum
from softmax_harness.studies.exhaustive.make import Asked, Exhausted

SCHEMA = 1
MAXIMA = {
    "larger": "largest error in ulp of a larger probability",
    "smaller": "largest error in ulp of a smaller probability",
    "sum_defect": "largest |sum - 1|",
}


def record(each: Exhausted) -> dict[str, Any]:
    """One line of the table: what one implementation gave on one domain."""
    task, found = each.task, each.found
    row: dict[str, Any] = {
        "operation": task.problem.operation.name,
        "implementation": task.implementation,
        "dtype": task.domain.format.name,
        "inputs": task.domain.kind,
        "axis": task.problem.axis,
        "rows": found.rows,
        "elements": found.elements,
        "not_correctly_rounded": found.not_correctly_rounded,
    }
    row |= dict(zip((str(outcome) for outcome in OUTCOMES), found.outcomes, strict=True))
    for name in MAXIMA:
        maximum = each.maxima.get(name)
        row[f"max_{name}"] = None if maximum is None else maximum.value
        row[f"witness_{name}"] = "" if maximum is None else maximum.witness
    return row | {"faults": list(found.faults)}


def document(asked: Asked, several: Sequence[Exhausted]) -> str:
    """All of it as JSON; an exact maximum is that of every row of its domain."""
    return json_text(
        {
            "schema": SCHEMA,
            "options": {
                "implementations": list(asked.implementations),
                "dtypes": list(asked.dtypes),
                "operation": asked.operation,
                "inputs": asked.inputs,
                "axis": asked.axis,
                **vars(asked.said),
            },
            "environment": environment(),
            "results": [record(each) for each in several],
        }
    )


def text(each: Exhausted) -> str:
    """What a terminal is told of one implementation on one domain."""
    task, found = each.task, each.found
    lines = [
        f"{task.implementation}, {task.problem.operation.name} of all {task.domain.kind} of finite "
        f"{task.domain.format.name}: {found.rows:,} rows"
    ]
    for name, meaning in MAXIMA.items():
        if name in each.maxima:
            own = each.maxima[name]
            lines.append(f"  {meaning} = {own.value:.10g} at {own.witness}")
    share = found.not_correctly_rounded / max(found.elements, 1)
    lines.append(f"  not correctly rounded: {found.not_correctly_rounded:,} ({share:.3%})")
    for outcome, count in zip(OUTCOMES, found.outcomes, strict=True):
        if count:
            lines.append(f"  {outcome.meaning}: {count:,}")
    return "\n".join([*lines, *(f"  fault: {fault}" for fault in found.faults)])


def markdown(several: Sequence[Exhausted]) -> str:
    """The table for a page."""
    head = (
        "| implementation | dtype | inputs | larger, ulp | smaller, ulp | not correctly rounded "
        "| broken | largest \\|sum - 1\\| |"
    )
    lines = [head, "|" + " --- |" * 8]
    for each in several:
        row, maxima = record(each), each.maxima
        cells = [row["implementation"], row["dtype"], row["inputs"]]
        cells += [_told(maxima.get(name)) for name in ("larger", "smaller")]
        cells.append(f"{row['not_correctly_rounded'] / max(row['elements'], 1):.4%}")
        broken = sum(row[str(outcome)] for outcome in OUTCOMES if outcome.is_broken)
        cells.append(f"{broken / max(row['elements'], 1):.4%}")
        cells.append(_told(maxima.get("sum_defect")))
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join([*lines, ""])


def _told(maximum: Maximum | None) -> str:
    return "-" if maximum is None else f"= {maximum.value:.10g}"
