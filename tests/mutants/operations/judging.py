"""Judges functions as `check` does, on operands whose truth is found once."""

from functools import lru_cache

import numpy as np
from softmax_harness.check.contract.elements import judge, truth_of
from softmax_harness.ground.formats import FORMATS
from softmax_harness.inputs.families import FAMILIES, Recipe
from softmax_harness.operations import OPERATIONS, Problem
from softmax_harness.operations.standards import default_standard


@lru_cache(maxsize=1024)
def asked(operation, family, dtype, n, rows=12, seed=0):
    """A block of inputs with its truth, held to the default standard."""
    about, format = OPERATIONS[operation], FORMATS[dtype]
    recipe = Recipe(FAMILIES[family], format, n, rows, seed)
    stored = recipe.block(0)
    operands = about.make_operands(stored, recipe.random_operands(0))
    question = truth_of(Problem.of(about, format), stored, operands)
    return question.held_to(default_standard(about, format))


def judged(function, question):
    """What becomes of the results of a function of the rows and their operands."""
    with np.errstate(all="ignore"):
        y = function(*question.operation.called_with(question.stored, question.operands))
    return judge(question, y.reshape(question.truth.rounded.shape).astype(float), flushes=False)
