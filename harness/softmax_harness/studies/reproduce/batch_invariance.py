"""Sums in other orders, and rows beside others: "Defeating Nondeterminism in LLM Inference", 2025.

Horace He and Thinking Machines Lab trace answers that differ from run to run to kernels whose
result for a row depends on how many rows are worked with it. Their first example shuffles eight
numbers whose exact sum is 0 and counts the different sums. What it prints depends on the version
of Python: from 3.12 to 3.13, `sum` carries the rounding errors of floats along, but not those of
the integers 1 and -1 among them.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from softmax_implementations import implementations

from softmax_harness.studies.reproduce.answers import answered
from softmax_harness.studies.reproduce.paper import Figure, Paper
from softmax_harness.subjects.declaration import spelt_out

_POSITIVE = (1e-10, 1e-5, 1e-2, 1)
_ORDERS, _SEED, _PUBLISHED = 10_000, 42, 102
_ROWS, _LENGTH = 64, 1003


def orders() -> list[list[float]]:
    """The orders of the publication: a list that is shuffled again and again."""
    numbers = [*_POSITIVE, *(-each for each in _POSITIVE)]
    generator, found = random.Random(_SEED), []
    for _ in range(_ORDERS):
        generator.shuffle(numbers)
        found.append(numbers.copy())
    return found


def one_after_another(numbers: Sequence[float]) -> float:
    """The sum by plain additions, as Python up to 3.11 makes it."""
    total = 0.0
    for each in numbers:
        total += each
    return total


def as_python_3_12(numbers: Sequence[float]) -> float:
    """The sum by Neumaier's compensation of each float, but by plain addition of each integer."""
    total, lost = 0.0, 0.0
    for each in numbers:
        before, total = total, total + each
        if isinstance(each, float):
            large, small = (before, each) if abs(before) >= abs(each) else (each, before)
            lost += (large - total) + small
    return total + lost


def _sums() -> list[Figure]:
    shuffled = orders()
    return [
        Figure("different sums of 8 numbers, Python 3.12", _PUBLISHED, _distinct(shuffled, True)),
        Figure("different sums of 8 numbers, Python 3.11", None, _distinct(shuffled, False)),
    ]


def _distinct(shuffled: Sequence[Sequence[float]], is_compensated: bool) -> float:
    summed = as_python_3_12 if is_compensated else one_after_another
    return float(len({summed(each) for each in shuffled}))


def rows_that_differ(name: str, x: NDArray[Any], axis: int) -> int:
    """How many rows have other bits alone than among the others.

    Parameters
    ----------
    name : str
        A registered softmax.
    x : ndarray, two dimensions
    axis : int
        Along which the rows lie: 0 or 1.
    """
    together = answered("softmax", name, x, axis)
    places = range(x.shape[1 - axis])
    alone = (
        answered("softmax", name, np.ascontiguousarray(x.take([row], 1 - axis)), axis)
        for row in places
    )
    return sum(
        each.tobytes() != together.take([row], 1 - axis).tobytes()
        for row, each in zip(places, alone, strict=True)
    )


def _softmaxes(seed: int) -> Iterator[Figure]:
    x = np.random.default_rng(seed).standard_normal((_ROWS, _LENGTH)).astype(np.float32)
    for name, each in implementations("softmax").items():
        if each.library is None and x.dtype.name in spelt_out(each).dtypes:
            last, first = (
                float(rows_that_differ(name, *given)) for given in ((x, 1), (x.T.copy(), 0))
            )
            setting = f"rows of {_ROWS} that differ alone, {name}"
            yield Figure(setting, None, last, {"first axis": first})


def _measured(seed: int) -> Sequence[Figure]:
    return [*_sums(), *_softmaxes(seed)]


PAPER = Paper(
    "batch-invariance",
    "Defeating Nondeterminism in LLM Inference",
    "https://thinkingmachines.ai/blog/defeating-nondeterminism-in-llm-inference/",
    "numbers of results that differ, though the exact ones are the same",
    _measured,
    within=0.0,
    notes=(
        "The sums use no random number but those of the publication, so --seed does not move them. "
        "The publication prints 102 sums. Python 3.12 and 3.13 give them, since their sum carries "
        "the rounding errors of floats along, but adds the integers 1 and -1 plainly. Plain "
        "additions alone, as in Python 3.11, give more.",
        "The publication's matrix product, a row alone against 2048 rows in bfloat16 on a GPU, is "
        "not made here. In its place stand softmaxes in float32 that need nothing but NumPy, on "
        f"{_ROWS} rows of {_LENGTH} normal logits, along the last axis and along the first one.",
        "Along the first axis NumPy adds the columns of an array one element after another, but a "
        "single column in pairs. So a column's sum depends on whether others stand beside it.",
    ),
)
