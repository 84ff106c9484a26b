"""Handwritten digits: which predictions change, and how wrong the cross-entropy loss is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from softmax_implementations import Implementation

from softmax_harness.ground.formats import Format
from softmax_harness.inputs.families.real import digits
from softmax_harness.inputs.witness import recipe_text
from softmax_harness.judgement.metrics import Batch
from softmax_harness.run.experiments.experiment import Experiment, Row
from softmax_harness.run.experiments.outputs import outputs, recipe_of


def digits_rows(implementations: Sequence[Implementation], formats: Sequence[Format]) -> list[Row]:
    """One row for each implementation and dtype, over the digits that were not trained on.

    Returns
    -------
    list of dict
        ``rows``; ``changed_by_storage``: rows whose largest logit stands elsewhere once the
        logits are rounded to the dtype; ``changed``: rows whose first largest output does not
        stand at the first largest stored logit, rows of NaN included; ``accuracy``: the part of
        the rows predicted right; ``loss_exact``: mean of -log z of the true digit in nats;
        ``loss``: the same of the outputs, infinite if any of them is 0 or NaN;
        ``infinite_losses``: how many are; ``loss_error``: the largest |log(y / z)| of the others;
        ``calibration``, ``calibration_exact``: the expected calibration error of the outputs and
        of the exact ones, in 15 bins (Guo et al., "On Calibration of Modern Neural Networks",
        2017); ``witness``: where the largest error of a loss stands.
    """
    return [
        _row(each, format, batch)
        for each, format, batch in outputs("digits", implementations, formats)
    ]


def _row(implementation: Implementation, format: Format, batch: Batch) -> Row:
    logits, labels, is_test = digits()
    test = np.flatnonzero(is_test)
    predicted = predictions(batch.y)[test]
    stored = np.argmax(batch.x[test], axis=-1)
    losses, errors = cross_entropy(batch, labels)
    losses, errors = losses[test], errors[test]
    worst = int(test[np.nanargmax(errors)]) if not np.isnan(errors).all() else None
    text = "" if worst is None else recipe_text(recipe_of("digits", format), worst, labels[worst])
    return {
        "implementation": implementation.name,
        "dtype": format.name,
        "rows": len(test),
        "changed_by_storage": int((stored != np.argmax(logits[test], axis=-1)).sum()),
        "changed": int((predicted != stored).sum()),
        "accuracy": float((predicted == labels[test]).mean()),
        "loss_exact": float(-np.log(_of_label(batch.z, labels)[test]).mean()),
        "loss": float(losses.mean()),
        "infinite_losses": int(np.isinf(losses).sum()),
        "loss_error": float(np.nanmax(errors)) if worst is not None else np.nan,
        "calibration": calibration_error(batch.y[test], labels[test]),
        "calibration_exact": calibration_error(batch.z[test], labels[test]),
        "witness": text,
    }


def calibration_error(y: NDArray[np.float64], labels: NDArray[np.int64], bins: int = 15) -> float:
    """Mean of |accuracy - confidence| over equal bins of the largest output; NaN if one is NaN."""
    if np.isnan(y).any():
        return float("nan")
    confidence, right = y.max(axis=-1), predictions(y) == labels
    place = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    gaps = np.bincount(place, right - confidence, minlength=bins)
    return float(np.abs(gaps).sum() / len(labels))


def predictions(y: NDArray[np.float64]) -> NDArray[np.int64]:
    """The first largest output of each row, -1 where an output is NaN, shape (rows,)."""
    lost = np.asarray(np.isnan(y).any(axis=-1))
    return np.where(lost, -1, np.argmax(np.where(lost[:, None], 0.0, y), axis=-1))


def cross_entropy(
    batch: Batch, labels: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """-log y of the true class, and |log(y / z)|, which is NaN where the first is infinite.

    The second comes from the error itself, log1p((y - z) / z), so that nothing cancels.
    """
    y, z = _of_label(batch.y, labels), _of_label(batch.z, labels)
    error = _of_label(batch.ulp_error * batch.truth.ulp, labels)
    lost = ~(np.isfinite(y) & (y > 0))
    with np.errstate(divide="ignore", invalid="ignore"):
        losses = np.where(lost, np.inf, -np.log(np.where(lost, 1.0, y)))
        errors = np.where(lost, np.nan, np.abs(np.log1p(error / z)))
    return losses, errors


def _of_label(values: NDArray[np.float64], labels: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.take_along_axis(values, labels[:, None], axis=-1)[:, 0]


EXPERIMENT = Experiment(name="digits", place=1, rows=digits_rows, families=("digits",))
