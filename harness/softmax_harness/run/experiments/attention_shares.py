"""Which step causes an error of attention: the scores, the softmax, or the last product.

Beside the exact result z stand three more, each made from what was computed so far and exact from
there on: after the scores, after the weights, after all. The differences are the shares, which add
up to the whole error.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from softmax_implementations import Implementation
from softmax_implementations.attention import scores

from softmax_harness.ground.formats import FORMATS, Format
from softmax_harness.inputs.families import FAMILIES, Recipe
from softmax_harness.inputs.witness import recipe_text
from softmax_harness.operations import OPERATIONS, Problem
from softmax_harness.run.experiments.experiment import Experiment, Row
from softmax_harness.subjects.declaration import problem_of
from softmax_harness.subjects.named import subject_of
from softmax_harness.truth import exact_results

Array = NDArray[np.float64]

FAMILY, LENGTH, ROWS = "normal-10", 64, 120
# Rows of larger scores show what rounding these does, and nothing else. Errors are absolute, so
# that those of larger values would hide the others.
_MODERATE_SCORE, _MODERATE_VALUE = 64.0, 8.0


def attention_shares_rows(
    implementations: Sequence[Implementation], formats: Sequence[Format]
) -> list[Row]:
    """One row for each softmax and dtype.

    Returns
    -------
    list of dict
        ``results``; ``error``: the largest |y - z|; ``scores``, ``softmax``, ``product``: the
        largest share of each in an error; ``softmax_leads``: results of whose error softmax has
        the largest share, or lost; ``lost``: results that are no number, which the maxima leave
        out; ``witness``: of ``error``, or of a lost one.
    """
    rows: list[Row] = []
    for format in formats:
        recipe = Recipe(FAMILIES[FAMILY], format, LENGTH, ROWS, 0)
        stored = recipe.block(0)
        x = stored.astype(np.float64)
        operands = OPERATIONS["attention"].make_operands(stored, recipe.random_operands(0))
        kept = _moderate(OPERATIONS["attention"].effective_logits(x, operands), operands[2])
        operands = tuple(each[kept] for each in operands)
        z = exact_results(
            Problem.of(OPERATIONS["attention"], format), x[kept], operands
        ).truth.value
        taking = (each for each in implementations if format.name in each.dtypes)
        rows.extend(_row(each, recipe, kept, operands, z) for each in taking)
    return rows


def shares(
    implementation: Implementation, format: Format, operands: tuple[NDArray[Any], ...], z: Array
) -> dict[str, Array]:
    """The share of each step in each error, shape (rows, m), signed; they add up to it."""
    q, k, v, mask = operands
    # Implementations are written as their users write theirs, without types.
    computed: NDArray[Any] = scores(q, k, mask)[:, 0, :]  # type: ignore[no-untyped-call]
    problem = problem_of(implementation, OPERATIONS["softmax"], format)
    subject = subject_of(implementation, problem)
    w = subject.call(computed).values
    weights = np.full(computed.shape, np.nan) if w is None else w
    exactly = exact_results(
        Problem.of(OPERATIONS["softmax"], format), computed.astype(np.float64)
    ).truth
    values = v.astype(np.float64)
    after_scores = np.einsum("rn,rnc->rc", exactly.value, values)
    after_weights = np.einsum("rn,rnc->rc", weights, values)
    with np.errstate(all="ignore"):
        y = np.matmul(weights.astype(format.dtype)[:, None, :], v)[:, 0, :].astype(np.float64)
    return {
        "scores": after_scores - z,
        "softmax": after_weights - after_scores,
        "product": y - after_weights,
    }


def _largest(values: Array) -> float:
    return float(values.max()) if values.size else float("nan")


def _moderate(scores: Array, values: NDArray[Any]) -> NDArray[np.int64]:
    """The rows that see something, of no large score or value."""
    seen = np.isfinite(scores)
    usual = np.abs(values.astype(np.float64)).max(axis=(1, 2)) < _MODERATE_VALUE
    largest = np.abs(np.where(seen, scores, 0.0)).max(axis=-1)
    return np.flatnonzero(seen.any(axis=-1) & (largest < _MODERATE_SCORE) & usual)


def _row(
    implementation: Implementation,
    recipe: Recipe,
    kept: NDArray[np.int64],
    operands: tuple[NDArray[Any], ...],
    z: Array,
) -> Row:
    found = shares(implementation, recipe.format, operands, z)
    whole = np.abs(sum(found.values()))
    sizes = {name: np.abs(each) for name, each in found.items()}
    lost = ~np.isfinite(whole)
    row, place = np.unravel_index(np.argmax(np.where(lost, np.inf, whole)), whole.shape)
    leads = np.argmax([*sizes.values()], axis=0) == list(sizes).index("softmax")
    return {
        "implementation": implementation.name,
        "dtype": recipe.format.name,
        "results": whole.size,
        "lost": int(lost.sum()),
        "error": _largest(whole[~lost]),
        **{name: _largest(each[~lost]) for name, each in sizes.items()},
        "softmax_leads": int((leads | lost).sum()),
        "witness": recipe_text(recipe, int(kept[row]), int(place)),
    }


def _is_far_coarser(format: Format) -> bool:
    """Than float64, in which the shares are taken: a product of two numbers is exact there."""
    return 2 * format.precision <= FORMATS["float64"].precision


EXPERIMENT = Experiment(
    name="attention_shares",
    place=5,
    rows=attention_shares_rows,
    operations=("softmax", "attention"),
    takes=_is_far_coarser,
)
