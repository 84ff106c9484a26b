"""Formats of one byte: their numbers are so few that every pair of them can be looked at."""

import numpy as np
import pytest
from softmax_harness.ground.formats import FORMATS
from softmax_harness.operations import OPERATIONS, Problem
from softmax_harness.truth import arbitrate

OF_A_BYTE = [name for name, format in FORMATS.items() if format.precision < 8]
SCREENED = [name for name, each in OPERATIONS.items() if each.screen and name != "softmax"]
PAIRS = 48


def finite(format):
    """Every finite number of a format, as float64."""
    codes = np.arange(256, dtype=np.uint8).view(format.dtype).astype(np.float64)
    return codes[np.isfinite(codes)]


@pytest.mark.parametrize("dtype", OF_A_BYTE)
def test_softmax_of_every_pair_is_that_of_mpmath(dtype, assert_agrees):
    """Of each difference once, on which alone it depends."""
    own = finite(FORMATS[dtype])
    distances = np.unique(np.abs(own[:, None] - own))
    x = np.stack([np.zeros(distances.size), -distances], axis=-1)
    undecided = assert_agrees("softmax", x, (), FORMATS[dtype])
    assert undecided.mean() < 0.3


@pytest.mark.parametrize("dtype", OF_A_BYTE)
@pytest.mark.parametrize("name", SCREENED)
def test_other_operations_of_some_pairs_are_those_of_mpmath(name, dtype, assert_agrees):
    """Largest and smallest numbers among them, so that results are subnormal and too large."""
    format, rng = FORMATS[dtype], np.random.default_rng(0)
    own = finite(format)
    ends = [format.largest, -format.largest, format.smallest_subnormal, 0.0]
    x = np.concatenate([rng.choice(own, (PAIRS, 2)), rng.choice(ends, (16, 2))])
    stored = x.astype(format.dtype)
    operands = OPERATIONS[name].make_operands(stored, rng)
    assert_agrees(name, x, operands, format)


@pytest.mark.parametrize("dtype", OF_A_BYTE)
def test_results_beyond_the_largest_number_are_seen_alike(dtype, assert_agrees):
    format = FORMATS[dtype]
    for own in (format, format.saturating):
        x = np.array([[format.largest, -each] for each in finite(format)[::5]])
        assert_agrees("log_softmax", x, (), own)
    truth = arbitrate(Problem.of(OPERATIONS["log_softmax"], format), x)
    beyond = ~np.isfinite(truth.rounded)
    assert beyond.any() and np.allclose(truth.value[:, 1], x[:, 1] - x[:, 0], atol=1.0)
