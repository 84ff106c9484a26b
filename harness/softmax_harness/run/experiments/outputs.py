"""Every implementation's outputs on one family of real logits, with the truth."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from softmax_implementations import Implementation

from softmax_harness.ground.formats import Format
from softmax_harness.inputs.families import FAMILIES, Recipe
from softmax_harness.judgement.metrics import Batch, batch_of
from softmax_harness.operations import OPERATIONS, Problem
from softmax_harness.subjects.declaration import problem_of
from softmax_harness.subjects.named import subject_of
from softmax_harness.truth import Truth, arbitrate


def recipe_of(family: str, format: Format) -> Recipe:
    """All rows of a family of fixed length and size."""
    found = FAMILIES[family]
    assert found.lengths is not None and found.rows is not None
    return Recipe(found, format, found.lengths[0], found.rows, 0)


def outputs(
    family: str, implementations: Sequence[Implementation], formats: Sequence[Format]
) -> Iterator[tuple[Implementation, Format, Batch]]:
    """Each implementation's outputs in each format that it takes, all rows in one batch."""
    for format in formats:
        stored = np.concatenate(list(recipe_of(family, format).blocks()))
        x = stored.astype(np.float64)
        truths: dict[Problem, Truth] = {}
        for implementation in implementations:
            if format.name not in implementation.dtypes:
                continue
            problem = problem_of(implementation, OPERATIONS["softmax"], format)
            if problem not in truths:
                truths[problem] = arbitrate(problem, x)
            y = subject_of(implementation, problem).call(stored).values
            yield (
                implementation,
                format,
                batch_of(x, _or_nan(y, x), truths[problem], input_format=format),
            )


def _or_nan(y: NDArray[np.float64] | None, x: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.full(x.shape, np.nan) if y is None else y
