"""What the tests of screens share: a screen held against the arbiter, element by element."""

import numpy as np
import pytest
from softmax_harness.ground.formats import FORMATS
from softmax_harness.inputs.families import FAMILIES, Recipe
from softmax_harness.operations import OPERATIONS, Policy, Problem
from softmax_harness.truth import arbitrate, check_screen


def agrees(name, x, operands, format):
    """The screen's truth is mpmath's, up to the screen's bound; gives the rows it leaves open."""
    operation = OPERATIONS[name]
    problem = Problem.of(operation, format)
    check_screen(problem, x, operands, arbitrate(problem, x, operands), name)
    fixed, expected = operation.special_values(x, Policy(), operands)
    return operation.screen(x, operands, fixed, expected, format).undecided


@pytest.fixture(scope="session")
def assert_agrees():
    """See `agrees`."""
    return agrees


@pytest.fixture(scope="session")
def assert_agrees_on_every_family():
    """A few rows of two lengths of each family, with the operands that a run would make."""

    def all_agree(name, dtype):
        for family in FAMILIES.values():
            for n in (2, 19):
                stored = Recipe(family, FORMATS[dtype], n, 4, 0).block(0)
                operands = OPERATIONS[name].make_operands(stored, np.random.default_rng(n))
                agrees(name, stored.astype(float), operands, FORMATS[dtype])

    return all_agree
