"""Time and largest error of every implementation of the other operations, by asv."""

from functools import lru_cache, partial
from pathlib import Path

import numpy as np
from softmax_harness.ground.formats import DEFAULT_DTYPES, FORMATS
from softmax_harness.ground.memory import keep_freed_memory
from softmax_harness.inputs.families import FAMILIES, Recipe
from softmax_harness.judgement.measure import question
from softmax_harness.operations import OPERATIONS, Problem
from softmax_harness.subjects.adapted import Adapted
from softmax_harness.subjects.convention import Convention
from softmax_harness.subjects.request import Request
from softmax_harness.subjects.subject import Subject
from softmax_harness.timing import declared_names
from softmax_implementations import implementations

FOLDER = Path(__file__).resolve().parents[2] / "implementations" / "softmax_implementations"
LENGTHS, TIMED_ELEMENTS = (10, 1000), 10_000
NAMES = [
    f"{operation}/{name}"
    for operation in OPERATIONS
    if operation != "softmax"
    for name in declared_names(FOLDER, operation)
]


@lru_cache(maxsize=1)
def prepared(name, dtype, n, rows):
    """The implementation and one block of what it is called with."""
    keep_freed_memory()
    operation, _, own = name.partition("/")
    recipe = Recipe(FAMILIES["normal-10"], FORMATS[dtype], n, rows, 0)
    stored = recipe.block(0)
    operands = OPERATIONS[operation].make_operands(stored, recipe.random_operands(0))
    return OPERATIONS[operation], implementations(operation)[own], stored, operands


@lru_cache(maxsize=1)
def timed(name, dtype, n, rows):
    """What is timed: the implementation with its arguments at their place."""
    about, found, stored, operands = prepared(name, dtype, n, rows)
    function = Convention.of(found).adapted(found)
    request = Request(Problem.of(about, FORMATS[dtype]), about.called_with(stored, operands))
    if isinstance(function, Adapted):
        return function.alone(request.call)
    return partial(function, *request.arguments, **request.call.named)


class Operations:
    """No setup, as in `softmax_harness.timing.suite`: the first call, a warm-up, prepares."""

    rounds, repeat, sample_time, warmup_time = 4, 5, 0.005, 0.05

    def time_operation(self, implementation, dtype, n):
        timed(implementation, dtype, n, max(1, TIMED_ELEMENTS // n))()

    def track_largest_ulp(self, implementation, dtype):
        about, function, stored, operands = prepared(implementation, dtype, 10, 30)
        problem = Problem.of(about, FORMATS[dtype])
        asked = question(problem, stored, operands)
        y = Subject.here(function, problem).call(stored, operands).values
        if y is None:
            return float("inf")
        errors = asked.batch_of(y.reshape(asked.truth.rounded.shape)).absolute
        return float(np.max(np.where(np.isnan(errors), np.inf, errors)))

    time_operation.params = (NAMES, list(DEFAULT_DTYPES), list(LENGTHS))
    time_operation.param_names = ("implementation", "dtype", "n")
    time_operation.version = f"rows of n, {TIMED_ELEMENTS} elements, in kept memory"
    track_largest_ulp.params = (NAMES, list(DEFAULT_DTYPES))
    track_largest_ulp.param_names = ("implementation", "dtype")
    track_largest_ulp.unit = "ulp"
    track_largest_ulp.version = "30 rows of 10, normal-10; attention with hard scores"
