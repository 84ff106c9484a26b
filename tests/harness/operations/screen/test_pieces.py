"""Long rows are screened in pieces, of which a mask may leave nothing: against the arbiter."""

import numpy as np
import pytest
from softmax_harness.ground.formats import FORMATS
from softmax_harness.operations import OPERATIONS, Problem
from softmax_harness.operations.screen import batch, long, others, passed_back
from softmax_harness.truth.arbiter import arbitrate
from softmax_harness.truth.tiers import check_screen

PIECE, LENGTH, SEEDS = 7, 60, 6


def masked_rows(rng):
    """Logits anywhere, with some pieces masked: at the ends, between others, or all but one."""
    x = rng.normal(0, 3, (6, LENGTH)) + rng.choice([1.0, 20.0, 600.0]) * rng.normal(0, 1, (6, 1))
    x[0, : rng.integers(PIECE, LENGTH)] = -np.inf
    x[1, rng.integers(1, LENGTH - PIECE) :] = -np.inf
    x[2, 10:40] = -np.inf
    x[3, np.arange(LENGTH) // PIECE % 2 == rng.integers(2)] = -np.inf
    kept = PIECE * rng.integers(LENGTH // PIECE)
    x[4, np.arange(LENGTH) // PIECE != kept // PIECE] = -np.inf
    return x


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("name", [each.name for each in OPERATIONS.values() if each.takes_logits])
def test_a_piece_of_which_nothing_counts_changes_no_other(name, dtype, monkeypatch):
    for module in (batch, long, others, passed_back):
        monkeypatch.setattr(module, "BLOCK_ELEMENTS", PIECE)
    format = FORMATS[dtype]
    problem = Problem.of(OPERATIONS[name], format)
    for seed in range(SEEDS):
        rng = np.random.default_rng(seed)
        stored = format.stored(masked_rows(rng))
        x = stored.astype(float)
        for operands in several_operands(problem.operation, stored, rng):
            for row in range(len(x)):  # as rows so long are screened
                one = x[row : row + 1], tuple(each[row : row + 1] for each in operands)
                check_screen(problem, *one, arbitrate(problem, *one), f"seed {seed}, row {row} of")


def several_operands(operation, stored, rng):
    """As the operation makes them; and numbers of each logit that are about 100 throughout."""
    operands = operation.make_operands(stored, rng)
    yield operands
    if operands and operands[-1].shape == stored.shape and operands[-1].dtype == stored.dtype:
        yield (*operands[:-1], (100 + rng.normal(0, 1, stored.shape)).astype(stored.dtype))
