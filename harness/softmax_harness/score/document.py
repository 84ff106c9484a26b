"""A score as JSON."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax_harness.judgement.aggregate import Extreme
from softmax_harness.judgement.outcomes import OUTCOMES
from softmax_harness.operations import OPERATIONS
from softmax_harness.operations.softmax import enclose
from softmax_harness.score.judging import Score

_EXACT_DIGITS, _EXACT_BITS = 25, 128


def score_document(scored: Score) -> dict[str, Any]:
    """The score as JSON: non-finite and exact values are strings, inputs and outputs hex floats.

    The outcomes stand together under ``outcomes`` and each at the top too, named as the columns
    of results.csv are.
    """
    total, pair = scored.tally, scored.pair
    outcomes = dict(zip(OUTCOMES, total.outcomes.tolist(), strict=True))
    right = outcomes["correctly_rounded"] + outcomes["inherent_underflow"]
    worst = total.extremes.get("max_ulp")
    measured = total.measured or math.nan
    return {
        "schema": 1,
        "dtype": pair.format.name,
        "shape": list(pair.x.shape),
        "axis": pair.axis,
        "rows": total.rows,
        "elements": total.elements,
        "not_correctly_rounded": total.elements - right,
        **outcomes,
        "outcomes": outcomes,
        "mean_ulp": _number(total.sum_absolute / measured),
        "bias_ulp": _number(total.sum_signed / measured),
        "p99_ulp": _number(total.p99_ulp),
        **{name: _number(extreme.value) for name, extreme in total.extremes.items()},
        "max_ulp": _number(worst.value if worst else math.nan),
        "sum_defect": _number(getattr(total.extremes.get("sum_defect"), "value", math.nan)),
        **{name: int(value) for name, value in total.sums.items()},
        "worst": _element(scored, worst) | {"ulp": _number(worst.value)} if worst else None,
        "firsts": {name: _element(scored, extreme) for name, extreme in scored.firsts.items()},
    }


def _element(scored: Score, extreme: Extreme) -> dict[str, Any]:
    """Where an element stands, what went in, what came out, and what is right."""
    pair = scored.pair
    place = pair.place(extreme.row, extreme.index)
    inputs, outputs = pair.block(np.array([extreme.row]))
    logits = inputs[0].astype(np.float64)
    x, y = float(logits[extreme.index]), float(outputs[0, extreme.index])
    return {"index": place, "x": x.hex(), "y": y.hex(), "exact": _exact(scored, logits, place)}


def _exact(scored: Score, logits: NDArray[np.float64], place: list[int]) -> str:
    fixed, expected = OPERATIONS["softmax"].special_values(logits[None], scored.policy, ())
    index = place[scored.pair.axis]
    if fixed[0, index]:
        value = float(expected[0, index])
        return "any" if math.isinf(value) else str(value)
    import mpmath

    values, counts = np.unique(logits[np.isfinite(logits)], return_counts=True)
    enclosures = enclose(values, counts, _EXACT_BITS)
    man, exp, _ = enclosures[int(np.searchsorted(values, logits[index]))]
    with mpmath.workprec(2 * _EXACT_BITS):
        return str(mpmath.nstr(mpmath.ldexp(man, exp), _EXACT_DIGITS))


def _number(value: float) -> float | str:
    return value if math.isfinite(value) else str(value)
