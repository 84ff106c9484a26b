"""What no table of errors tells: answers to special rows, and where results are flushed to 0."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax_harness.ground.formats import Format
from softmax_harness.inputs.families import FAMILIES, Recipe
from softmax_harness.judgement.measure import classified
from softmax_harness.judgement.outcomes import Outcome
from softmax_harness.judgement.question import question
from softmax_harness.operations import Operation
from softmax_harness.studies.survey.planned import SEED
from softmax_harness.studies.survey.ways import ways_of
from softmax_harness.subjects.request import Reply
from softmax_harness.subjects.subject import Subject

NAN, INF = math.nan, math.inf
# Beside each row stands an ordinary one, which must not change.
_SPECIAL = {
    "one number": [[3.0], [0.0]],
    "NaN, 0, 1": [[NAN, 0.0, 1.0], [2.0, 0.0, 1.0]],
    "+inf, 0": [[INF, 0.0], [1.0, 0.0]],
    "+inf, +inf": [[INF, INF], [1.0, 0.0]],
    "-inf, 0, 0": [[-INF, 0.0, 0.0], [1.0, 0.0, 0.0]],
    "-inf, -inf": [[-INF, -INF], [1.0, 0.0]],
    "-inf, +inf": [[-INF, INF], [1.0, 0.0]],
    "largest, -largest": "extremes",
}
_SHAPES = {"no dimensions": (), "n = 0": (2, 0), "no rows": (0, 3)}
_GAPS = 512
_NAN_LENGTHS = (2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 64, 100)


def is_probed(operation: Operation) -> bool:
    """Whether the operation takes logits alone."""
    return bool(ways_of(operation))


def special_answers(subject: Subject, operation: Operation) -> Iterator[dict[str, Any]]:
    """What it answers to each special input, and what is right."""
    format = subject.format
    for name, given in _SPECIAL.items():
        values = [[format.largest, -format.largest], [1, 0]] if given == "extremes" else given
        x = format.stored(np.array(values))
        truth = question(subject.problem, x).truth.rounded
        reply = subject.call(x)
        y = None if reply.values is None else reply.values.reshape(truth.shape)
        right = y is not None and bool(np.array_equal(y, truth, equal_nan=True))
        near = y is not None and bool(np.allclose(y, truth, rtol=0.02, equal_nan=True))
        yield {
            "input": name,
            "answer": _told(reply) if y is None else _row(y[0]),
            "right": "yes" if right else "near" if near else "no",
            "expected": _row(truth[0]),
        }
    for name, shape in _SHAPES.items():
        reply = subject.call(format.stored(np.zeros(shape)))
        yield {"input": name, "answer": _told(reply), "right": "", "expected": ""}
    yield {
        "input": "integers",
        "answer": _told(subject.call(np.array([[0, 1, 2]], np.int64))),
        "right": "",
        "expected": "",
    }


def _row(values: NDArray[np.float64]) -> str:
    return " ".join(f"{each:.4g}" for each in values)


def _told(reply: Reply) -> str:
    if reply.y is None:
        return "; ".join(reply.messages)
    return f"answers, shape {reply.y.shape}"


def nan_places(subject: Subject) -> dict[str, Any]:
    """Rows with a NaN at every place of many lengths: how many were answered wrong."""
    wrong, lengths = 0, []
    for n in _NAN_LENGTHS:
        recipe = Recipe(FAMILIES["nan-at-each-place"], subject.format, n, n, SEED)
        asked = question(subject.problem, recipe.block(0))
        y = subject.call(asked.stored).values
        if y is None:
            lengths.append(n)
            continue
        _, codes = classified(asked, y.reshape(asked.truth.rounded.shape))
        bad = np.isin(codes, [Outcome.WRONG_SPECIAL.code, Outcome.NAN.code])
        wrong += int(bad.any(axis=-1).sum())
        lengths += [n] * bool(bad.any())
    return {
        "input": "a NaN at every place, n = 2 to 100",
        "answer": f"{wrong} rows wrong, at n = {lengths}" if lengths else "every row right",
        "right": "no" if lengths else "yes",
        "expected": "NaN throughout that row and no other",
    }


def flushed_from(subject: Subject) -> dict[str, Any]:
    """Rows 0, -gap: from which gap on the second result is 0 although the nearest number is not.

    The gaps go from eight binades above the smallest normal number to the last that is not 0.
    """
    format = subject.format
    first, last = _gap(format, format.emin + 8), _gap(format, _least_exponent(format) - 1)
    gaps = np.linspace(first, last, _GAPS)
    x = format.stored(np.stack([np.zeros(_GAPS), -gaps], axis=1))
    truth = question(subject.problem, x).truth.rounded[:, 1]
    y = subject.call(x).values
    if y is None:
        return dict.fromkeys(("flushed_from", "nearest_there", "smallest", "lost"), math.nan)
    small = y.reshape(x.shape)[:, 1]
    lost = np.flatnonzero((small == 0.0) & (truth != 0.0))
    kept = small[small != 0.0]
    at = int(lost[0]) if lost.size else None
    return {
        "flushed_from": math.nan if at is None else -float(x[at, 1]),
        "nearest_there": math.nan if at is None else float(truth[at]),
        "smallest": float(np.abs(kept).min()) if kept.size else math.nan,
        "smallest_normal": 2.0**format.emin,
        "lost": int(lost.size),
        "gaps": int((truth != 0.0).sum()),
    }


def _gap(format: Format, exponent: int) -> float:
    return -exponent * math.log(2.0)


def _least_exponent(format: Format) -> int:
    return format.emin - format.precision + 1
