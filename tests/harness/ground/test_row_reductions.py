"""Rows of few entries give what NumPy gives, whose own way is taken for all others."""

import numpy as np
import pytest
from softmax_harness.ground.row_reductions import row_all, row_any, row_max, row_min, row_sum

LENGTHS = (1, 2, 3, 8, 16, 17, 100)


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("n", LENGTHS)
def test_numbers_are_reduced_as_by_numpy(n, keepdims):
    rows = np.random.default_rng(n).integers(-9, 9, (50, n)).astype(float)
    rows[3, n // 2] = np.nan
    rows[4, n - 1] = np.inf
    for own, theirs in ((row_sum, np.sum), (row_max, np.max), (row_min, np.min)):
        np.testing.assert_array_equal(own(rows, keepdims), theirs(rows, -1, keepdims=keepdims))


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("n", LENGTHS)
def test_conditions_are_reduced_as_by_numpy(n, keepdims):
    rows = np.random.default_rng(n).random((50, n)) < 0.5
    rows[3], rows[4] = False, True
    for own, theirs in ((row_any, np.any), (row_all, np.all)):
        np.testing.assert_array_equal(own(rows, keepdims), theirs(rows, -1, keepdims=keepdims))


def test_rows_are_left_as_they_are():
    rows = np.arange(12.0).reshape(4, 3)
    row_sum(rows), row_max(rows)
    np.testing.assert_array_equal(rows, np.arange(12.0).reshape(4, 3))
    assert row_sum(rows[0]) == 3.0 and row_max(rows[:0]).shape == (0,)
