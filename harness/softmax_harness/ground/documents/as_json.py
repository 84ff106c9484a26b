"""JSON, for programs."""

from __future__ import annotations

import json
import math
from typing import Any


def json_text(document: Any) -> str:
    """The document, indented; a number that is not finite becomes a string, however deep it stands.

    JSON has no such numbers, and readers differ in what they make of ``NaN``.
    """
    return json.dumps(_finite(document), indent=1, allow_nan=False) + "\n"


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    return value
