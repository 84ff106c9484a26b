"""A score as JSON."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from softmax_harness.judgement.aggregate import Extreme
from softmax_harness.judgement.outcomes import OUTCOMES
from softmax_harness.score.judging import Score
from softmax_harness.truth.digits import exact_digits


def score_document(scored: Score) -> dict[str, Any]:
    """The score as plain data: exact values are strings, inputs and outputs hex floats.

    The outcomes stand together under ``outcomes`` and each at the top too, named as the columns
    of results.csv are.
    """
    total, pair = scored.tally, scored.pair
    outcomes = dict(zip(OUTCOMES, total.outcomes.tolist(), strict=True))
    right = sum(count for outcome, count in outcomes.items() if outcome.is_nearest)
    worst = total.extremes.get("max_ulp")
    measured = total.measured or math.nan
    return {
        "schema": 1,
        "dtype": pair.format.name,
        "shape": list(pair.x.shape),
        "axis": pair.axis,
        "standard": scored.standard,
        "rows": total.rows,
        "elements": total.elements,
        "not_correctly_rounded": total.elements - right,
        **outcomes,
        "outcomes": outcomes,
        "mean_ulp": total.sum_absolute / measured,
        "bias_ulp": total.sum_signed / measured,
        "p99_ulp": total.p99_ulp,
        **{name: extreme.value for name, extreme in total.extremes.items()},
        "max_ulp": worst.value if worst else math.nan,
        "sum_defect": getattr(total.extremes.get("sum_defect"), "value", math.nan),
        **{name: int(value) for name, value in total.sums.items()},
        "worst": _element(scored, worst) | {"ulp": worst.value} if worst else None,
        "firsts": {name: _element(scored, extreme) for name, extreme in scored.firsts.items()},
    }


def _element(scored: Score, extreme: Extreme) -> dict[str, Any]:
    """Where an element stands, what went in, what came out, and what is right."""
    pair = scored.pair
    place = pair.place(extreme.row, extreme.index)
    inputs, outputs = pair.block(np.array([extreme.row]))
    logits = inputs[0].astype(np.float64)
    x, y = float(logits[extreme.index]), float(outputs[0, extreme.index])
    exact = exact_digits(pair.problem(scored.policy), logits, extreme.index) or "any"
    return {"index": place, "x": x.hex(), "y": y.hex(), "exact": exact}
