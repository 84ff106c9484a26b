"""What a library says to a format of which nothing is surveyed, since it does not take it.

A table without a row leaves open whether nobody asked, or the library refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from softmax_implementations import Implementation

from softmax_harness.ground.formats import Format
from softmax_harness.operations import Operation
from softmax_harness.studies.survey.callers import subject_of
from softmax_harness.subjects.request import Reply

INPUT = "a format that is not declared"
_ROW = [[0.0, 1.0, 2.0, -3.0]]
_LONGEST = 160


def refusals(
    operation: Operation, format: Format, asked: Iterable[Implementation]
) -> Iterator[dict[str, Any]]:
    """The answer of each implementation to the row 0, 1, 2, -3 in a format, as a probe."""
    for each in asked:
        reply = subject_of(each, operation, format).call(format.stored(np.array(_ROW)))
        yield {
            "implementation": each.name,
            "input": INPUT,
            "answer": _told(reply),
            "right": "",
            "expected": "",
        }


def _told(reply: Reply) -> str:
    """The first line of what was wrong, or the format of the answer."""
    if reply.y is None:
        return "; ".join(each.partition("\n")[0] for each in reply.messages)[:_LONGEST]
    return f"answers, in {reply.y.dtype}"
