"""Operands of every size: the screen decides nothing that mpmath decides otherwise."""

import numpy as np
import pytest
from softmax_harness.ground.formats import FORMATS
from softmax_harness.inputs.families.hard import hard_rows
from softmax_harness.operations import OPERATIONS, Problem
from softmax_harness.truth.arbiter import arbitrate
from softmax_harness.truth.tiers import check_screen

ROWS = 60
NAMES = ("gradient", "log_softmax_gradient", "logsumexp_gradient", "logsumexp_weighted")


@pytest.mark.parametrize("n", [2, 21])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("name", NAMES)
def test_the_screen_is_mpmath_whatever_the_size_of_the_operand(name, dtype, n):
    """From the smallest subnormal number of the format to 2**300, each row of its own."""
    operation, format, rng = OPERATIONS[name], FORMATS[dtype], np.random.default_rng(n)
    problem = Problem.of(operation, format)
    x, operands = operation.inputs(format.stored(hard_rows(format, n, ROWS, rng)), rng)
    *others, given = operands
    least, most = format.emin - format.precision + 1, min(format.emax - 9, 300)
    size = np.exp2(rng.integers(least, most, (ROWS, 1)).astype(np.float64))
    given = given.astype(np.float64)
    counts = np.isfinite(given) & (given != 0.0)
    sized = np.where(counts, rng.standard_normal(given.shape) * size, given)
    asked = problem, x.astype(np.float64), (*others, format.stored(sized))
    check_screen(*asked, arbitrate(*asked), f"{name} in {dtype}")
