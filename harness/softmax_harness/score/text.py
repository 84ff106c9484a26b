"""A score as lines of text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from softmax_harness.judgement.outcomes import OUTCOMES
from softmax_harness.score.limits import Held


def score_text(document: Mapping[str, Any], limits: Sequence[Held] = ()) -> str:
    """What `softmax_harness.score.score_document` says, and how the limits are kept."""
    return "\n".join([*_lines(document), *(f"limit: {each.told}" for each in limits)])


def _lines(document: Mapping[str, Any]) -> list[str]:
    lines = [
        f"{document['elements']:,} elements in {document['rows']:,} rows, {document['operation']}, "
        f"{document['dtype']}, held to {document['standard']}"
    ]
    counts = {name.replace("_", " "): document[name] for name in OUTCOMES if document[name]}
    lines += [f"  {name:22} {count:>12,}" for name, count in counts.items()]
    if document["seeing_nothing"]:
        lines.append(f"rows that see nothing: held to {document['seeing_nothing']}")
    for name, unit in (
        ("max_ulp", "ulp"),
        ("mean_ulp", "ulp"),
        ("max_ulp_probable", "ulp where z >= 1/n"),
        ("sum_defect", ""),
        ("argmax_flips", "rows"),
        ("order_inversions", "pairs"),
    ):
        if name in document and (name in ("max_ulp", "mean_ulp") or _is_told(document[name])):
            value = document[name]
            lines.append(f"{name.replace('_', ' '):24} {value:>10.6g} {unit}".rstrip())
    if document["worst"]:
        lines.append(f"worst: {_element(document['worst'])}")
    lines += [
        f"first {name.replace('_', ' ')}: {_element(element)}"
        for name, element in document["firsts"].items()
    ]
    if document["worst"] and document["worst"]["explain"]:
        lines.append(f"its steps: {document['worst']['explain']}")
    return lines


def _is_told(value: Any) -> bool:
    """Whether a metric was measured: not every operation's results have each."""
    return bool(value == value)


def _element(element: Mapping[str, Any]) -> str:
    parts = [f"index {element['index']}"]
    if element["x"] is not None:
        parts.append(f"x = {float.fromhex(element['x'])!r}")
    parts += [f"{name} = {value}" for name, value in element["operands"].items()]
    parts += [f"y = {float.fromhex(element['y'])!r}", f"exactly {element['exact']}"]
    return ", ".join(parts)
