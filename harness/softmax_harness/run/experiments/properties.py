"""The properties that softmax is said to have: where each holds, and by how much it fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from softmax_implementations import Implementation

from softmax_harness.ground.formats import Format
from softmax_harness.inputs.families import FAMILIES, Recipe
from softmax_harness.inputs.witness import recipe_text
from softmax_harness.judgement.metrics import Batch, batch_of
from softmax_harness.judgement.metrics.rows import exact_sum
from softmax_harness.operations import OPERATIONS, Problem
from softmax_harness.run.experiments.experiment import Experiment, Row
from softmax_harness.subjects.declaration import problem_of
from softmax_harness.subjects.named import subject_of
from softmax_harness.subjects.subject import Subject
from softmax_harness.truth import arbitrate, exact_results

Array = NDArray[np.float64]

FAMILIES_TRIED, LENGTH, ROWS = ("normal-1", "normal-10", "normal-100"), 10, 200
# A ratio of two results may have the error of each, a few roundings, and the rounded difference.
_RATIO_ROUNDINGS = 8.0
_SMALLEST = 2.0**-1074


@dataclass(frozen=True)
class Tried:
    """One implementation's outputs on one family.

    Attributes
    ----------
    recipe : Recipe
    batch : Batch
    function : callable
        ``function(x)`` gives its outputs for other logits of the same format, as float64.
    directions : pair of ndarray
        `_directions` of the logits.
    """

    recipe: Recipe
    batch: Batch
    function: Callable[[NDArray[Any]], Array]
    directions: tuple[Array, Array]


@dataclass(frozen=True)
class Found:
    """How far a property fails in each case, 0 where it holds; shape (rows, cases)."""

    failure: Array
    index: NDArray[np.int64] | None = None


def inside(tried: Tried) -> Found:
    """Each output lies in (0, 1): by how much the exact value is away from what it became."""
    y, z = tried.batch.y, tried.batch.z
    apart = np.where(np.isfinite(y), np.abs(tried.batch.ulp_error) * tried.batch.truth.ulp, 1.0)
    holds = (y > 0) & (y < 1)
    return Found(np.where(holds, 0.0, np.maximum(apart, np.where(z > 0, _SMALLEST, 0.0))))


def sums_to_one(tried: Tried) -> Found:
    """The outputs sum to 1: how far their exact sum is from it; 1 where one is no number."""
    sums = [exact_sum((*row, -1.0)) if np.isfinite(row).all() else 1.0 for row in tried.batch.y]
    return Found(np.abs(np.array(sums))[:, None])


def amplifies(tried: Tried) -> Found:
    """y_i / y_top = exp(x_i - x_top): by what part it is off, beyond eight roundings and u A."""
    batch, u = tried.batch, tried.recipe.format.unit_roundoff
    top = np.argmax(batch.x, axis=-1)[:, None]
    with np.errstate(all="ignore"):
        error = batch.ulp_error * batch.truth.ulp / batch.z
        own = np.take_along_axis(error, top, axis=-1)
        off = np.abs((1.0 + error) / (1.0 + own) - 1.0)
    distance = np.take_along_axis(batch.x, top, axis=-1) - batch.x
    off = np.where(np.isfinite(off), off, 1.0)
    return Found(np.where(off <= u * (_RATIO_ROUNDINGS + distance), 0.0, off))


def keeps_differences(tried: Tried) -> Found:
    """Of two different logits the larger has the larger output: pairs of neighbours in order."""
    batch = tried.batch
    order = np.argsort(batch.x, axis=-1, kind="stable")
    x, y, z = (np.take_along_axis(each, order, axis=-1) for each in (batch.x, batch.y, batch.z))
    kept = (np.diff(y, axis=-1) > 0) | (np.diff(x, axis=-1) == 0)
    lost = np.maximum(np.diff(z, axis=-1), _SMALLEST)  # they differ, however little is left of it
    return Found(np.where(kept, 0.0, lost), order[:, 1:])


def derivative(tried: Tried) -> Found:
    """s (v - s.v) from the outputs: its error where that is more than 8 roundings of s and v."""
    v, exact = tried.directions
    y, u = tried.batch.y, tried.recipe.format.unit_roundoff
    with np.errstate(invalid="ignore"):
        computed = y * (v - (y * v).sum(axis=-1, keepdims=True))
    error = np.where(np.isfinite(computed), np.abs(computed - exact), 1.0)
    size = np.abs(v).max(axis=-1, keepdims=True)
    return Found(np.where(error <= 8.0 * u * size, 0.0, error))


def differences(tried: Tried) -> Found:
    """(f(x + h v) - f(x - h v)) / 2h, the step the best of sixteen: its largest error in the row.

    No step is right: where it is large the difference is no derivative, where it is small
    rounding is what is left.
    """
    v, exact = tried.directions
    dtype = tried.recipe.format.dtype
    best = np.full((len(v), 1), np.inf)
    x = tried.batch.x
    for exponent in range(1, 17):
        ahead = (x + 2.0**-exponent * v).astype(dtype)
        behind = (x - 2.0**-exponent * v).astype(dtype)
        computed = (tried.function(ahead) - tried.function(behind)) * 2.0 ** (exponent - 1)
        error = np.abs(np.where(np.isfinite(computed), computed, np.inf) - exact)
        best = np.minimum(best, error.max(axis=-1, keepdims=True))
    best = np.where(np.isfinite(best), best, 1.0)
    return Found(np.where(best <= 8.0 * tried.recipe.format.unit_roundoff, 0.0, best))


def _directions(recipe: Recipe, x: Array) -> tuple[Array, Array]:
    """Vectors of +-1, and the exact Jacobian times them."""
    v = recipe.random_operands(0).choice([-1.0, 1.0], x.shape)
    problem = Problem.of(OPERATIONS["gradient"], recipe.format)
    return v, arbitrate(problem, x, (v,)).value


PROPERTIES: dict[str, Callable[[Tried], Found]] = {
    "each output lies in (0, 1)": inside,
    "the outputs sum to 1": sums_to_one,
    "ratios are exp of differences": amplifies,
    "larger logits get larger outputs": keeps_differences,
    "the derivative is s (v - s.v)": derivative,
    "differences tend to the derivative": differences,
}


def properties_rows(
    implementations: Sequence[Implementation], formats: Sequence[Format]
) -> list[Row]:
    """One row for each implementation, dtype and property, over normal logits of three scales.

    Returns
    -------
    list of dict
        ``cases``: outputs, rows or pairs looked at; ``fails``: in how many of them the property
        fails; ``worst``: by how much at most, see the property's function; ``witness``.
    """
    found: dict[tuple[str, str, str], list[tuple[Recipe, Found]]] = {}
    for implementation, tried in _tried(implementations, formats):
        for name, measured in PROPERTIES.items():
            key = implementation.name, tried.recipe.format.name, name
            found.setdefault(key, []).append((tried.recipe, measured(tried)))
    return [_row(*key, parts) for key, parts in found.items()]


def _tried(
    implementations: Sequence[Implementation], formats: Sequence[Format]
) -> Iterator[tuple[Implementation, Tried]]:
    for format in formats:
        for family in FAMILIES_TRIED:
            recipe = Recipe(FAMILIES[family], format, LENGTH, ROWS, 0)
            stored = recipe.block(0)
            x = stored.astype(np.float64)
            truth = exact_results(Problem.of(OPERATIONS["softmax"], format), x).truth
            directions = _directions(recipe, x)
            for each in implementations:
                if format.name in each.dtypes:
                    subject = subject_of(each, problem_of(each, OPERATIONS["softmax"], format))
                    function = _outputs(subject)
                    batch = batch_of(x, function(stored), truth)
                    yield each, Tried(recipe, batch, function, directions)


def _outputs(subject: Subject) -> Callable[[NDArray[Any]], Array]:
    def function(stored: NDArray[Any]) -> Array:
        y = subject.call(stored).values
        return np.full(stored.shape, np.nan) if y is None else y

    return function


def _row(implementation: str, dtype: str, name: str, parts: list[tuple[Recipe, Found]]) -> Row:
    worst, text = 0.0, ""
    for recipe, found in parts:
        row, place = np.unravel_index(np.argmax(found.failure), found.failure.shape)
        if found.failure[row, place] > worst:
            worst = float(found.failure[row, place])
            index = place if found.index is None else found.index[row, place]
            text = recipe_text(recipe, int(row), int(index))
    return {
        "property": name,
        "implementation": implementation,
        "dtype": dtype,
        "cases": sum(found.failure.size for _, found in parts),
        "fails": sum(int((found.failure > 0).sum()) for _, found in parts),
        "worst": worst,
        "witness": text,
    }


EXPERIMENT = Experiment(
    name="properties", place=4, rows=properties_rows, operations=("softmax", "gradient")
)
