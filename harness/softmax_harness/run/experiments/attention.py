"""Attention: how wrong the weights are, by layer and head of a language model."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from softmax_implementations import Implementation

from softmax_harness.ground.formats import Format
from softmax_harness.inputs.families.real import attention
from softmax_harness.inputs.witness import recipe_text
from softmax_harness.judgement.metrics import Batch
from softmax_harness.judgement.metrics.order import argmax_flips, order_inversions
from softmax_harness.judgement.metrics.rows import total_variation, wrongly_zero
from softmax_harness.run.experiments.experiment import Experiment, Row
from softmax_harness.run.experiments.outputs import outputs, recipe_of


def attention_rows(
    implementations: Sequence[Implementation], formats: Sequence[Format]
) -> list[Row]:
    """One row for each implementation, dtype, layer and head.

    Returns
    -------
    list of dict
        ``rows``: queries; ``max_abs_error``: the largest |y - z| of a weight, NaN where no weight
        is a number; ``max_ulp``; ``total_variation``: the largest of a row, the part of the
        attention that went to the wrong tokens; ``argmax_flips``: rows whose most attended token
        changed; ``order_inversions``: pairs of tokens whose order is turned round;
        ``lost_weights``: weights that are NaN or 0 and should not be; ``mask_leaks``: masked
        tokens with a weight other than 0; ``witness``: of `max_abs_error`.
    """
    layer, head = attention().layer, attention().head
    places = sorted(set(zip(layer.tolist(), head.tolist(), strict=True)))
    return [
        _row(each, format, batch, place, (layer == place[0]) & (head == place[1]))
        for each, format, batch in outputs("attention", implementations, formats)
        for place in places
    ]


def _row(
    implementation: Implementation,
    format: Format,
    batch: Batch,
    place: tuple[int, int],
    here: NDArray[np.bool_],
) -> Row:
    error = np.abs(batch.ulp_error * batch.truth.ulp)
    error[~here] = np.nan
    measured = not np.isnan(error).all()
    row, index = np.unravel_index(np.nanargmax(error) if measured else 0, error.shape)
    lost = (~np.isfinite(batch.y)).sum(axis=-1) + wrongly_zero(batch)
    return {
        "implementation": implementation.name,
        "dtype": format.name,
        "layer": place[0],
        "head": place[1],
        "rows": int(here.sum()),
        "max_abs_error": _largest(error),
        "max_ulp": _largest(np.abs(batch.ulp_error[here])),
        "total_variation": _largest(total_variation(batch)[here]),
        "argmax_flips": int(np.nansum(argmax_flips(batch)[here])),
        "order_inversions": int(np.nansum(order_inversions(batch)[here])),
        "lost_weights": int(lost[here].sum()),
        "mask_leaks": int((np.isneginf(batch.x) & (batch.y != 0))[here].sum()),
        "witness": recipe_text(recipe_of("attention", format), int(row), int(index))
        if measured
        else "",
    }


def _largest(values: NDArray[np.float64]) -> float:
    return float(np.nanmax(values)) if not np.isnan(values).all() else float("nan")


EXPERIMENT = Experiment(name="attention", place=2, rows=attention_rows, families=("attention",))
