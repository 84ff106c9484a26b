"""Laws that the exact softmax keeps: permutation, exact shifts, duplicates, sum."""

from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from softmax_harness.ground.formats import FORMATS
from softmax_harness.operations import OPERATIONS, Problem
from softmax_harness.truth import arbitrate

SOFTMAX, FLOAT32, FLOAT64 = OPERATIONS["softmax"], FORMATS["float32"], FORMATS["float64"]
LOGITS = st.floats(-80, 80, width=16)
ROWS = st.lists(LOGITS, min_size=1, max_size=12).map(lambda row: np.array([row], dtype=float))


def same(first, second):
    assert (first.rounded == second.rounded).all()
    assert (first.ulp_exponent == second.ulp_exponent).all()
    assert np.allclose(first.offset, second.offset, rtol=1e-12, atol=1e-15)


@given(ROWS, st.randoms())
def test_a_permutation_of_the_logits_permutes_the_results(x, random):
    order = list(range(x.shape[1]))
    random.shuffle(order)
    permuted, truth = (
        arbitrate(Problem.of(SOFTMAX, FLOAT32), x[:, order]),
        arbitrate(Problem.of(SOFTMAX, FLOAT32), x),
    )
    assert (permuted.rounded == truth.rounded[:, order]).all()
    assert (permuted.offset == truth.offset[:, order]).all()


@given(ROWS, st.integers(-(2**20), 2**20))
def test_a_shift_that_is_exact_changes_nothing(x, shift):
    shifted = x + shift
    if (shifted - shift == x).all():
        same(
            arbitrate(Problem.of(SOFTMAX, FLOAT64), shifted),
            arbitrate(Problem.of(SOFTMAX, FLOAT64), x),
        )


@given(ROWS)
def test_masked_entries_change_nothing(x):
    masked = np.concatenate([x, np.full((1, 3), -np.inf)], axis=1)
    truth = arbitrate(Problem.of(SOFTMAX, FLOAT32), masked)
    assert (truth.rounded[0, -3:] == 0).all()
    n = x.shape[1]
    if n > 1:
        same(
            arbitrate(Problem.of(SOFTMAX, FLOAT64), x),
            _part(arbitrate(Problem.of(SOFTMAX, FLOAT64), masked), n),
        )


@given(ROWS)
def test_the_results_sum_to_one_exactly(x):
    truth = arbitrate(Problem.of(SOFTMAX, FLOAT64), x)
    total = sum(
        (Fraction(r) + Fraction(o) * Fraction(2) ** int(k))
        for r, o, k in zip(truth.rounded[0], truth.offset[0], truth.ulp_exponent[0], strict=True)
    )
    # Each offset is a float64, so each result is known to 2**-53 of an ulp of at most 2**-53.
    assert abs(total - 1) <= x.shape[1] * Fraction(2) ** -105


def _part(truth, n):
    return type(truth)(
        truth.format,
        truth.rounded[:, :n],
        truth.offset[:, :n],
        truth.ulp[:, :n],
        truth.fixed[:, :n],
    )
