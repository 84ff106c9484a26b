"""Rows of few entries give what NumPy gives, whose own way is taken for all others."""

import runpy

import numpy as np
import pytest
from softmax_harness.ground import row_reductions
from softmax_harness.ground.row_reductions import (
    column_max,
    column_min,
    row_all,
    row_any,
    row_max,
    row_min,
    row_sum,
)

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


@pytest.mark.parametrize("has_vecdot", [True, False])  # as NumPy 1.26 has not
@pytest.mark.parametrize("n", LENGTHS)
def test_products_add_up(n, has_vecdot, monkeypatch):
    if not has_vecdot:
        monkeypatch.delattr(np, "vecdot", raising=False)
    row_dot = runpy.run_path(row_reductions.__file__)["row_dot"]
    a, b = np.random.default_rng(n).integers(-9, 9, (2, 50, n)).astype(float)
    np.testing.assert_array_equal(row_dot(a, b), (a * b).sum(axis=-1))


@pytest.mark.parametrize("n", LENGTHS)
def test_columns_have_the_extremes_that_numpy_gives(n):
    stack = np.random.default_rng(n).integers(-9, 9, (4, n, 3)).astype(float)
    stack[1, n // 2, 0], stack[2, n - 1, 1] = np.nan, np.inf
    before = stack.copy()
    for given in (stack, stack[0], np.asfortranarray(stack)):
        np.testing.assert_array_equal(column_max(given), np.max(given, axis=-2))
        np.testing.assert_array_equal(column_min(given), np.min(given, axis=-2))
    column_max(stack)[:] = 0.0
    np.testing.assert_array_equal(stack, before)


def test_stacks_of_rows_are_reduced_as_by_numpy():
    stack = np.random.default_rng(0).standard_normal((5, 6, 7))
    np.testing.assert_array_equal(row_max(stack), stack.max(axis=-1))
    np.testing.assert_array_equal(row_min(stack, keepdims=True), stack.min(-1, keepdims=True))


def test_rows_are_left_as_they_are():
    rows = np.arange(12.0).reshape(4, 3)
    row_sum(rows), row_max(rows)
    np.testing.assert_array_equal(rows, np.arange(12.0).reshape(4, 3))
    assert row_sum(rows[0]) == 3.0 and row_max(rows[:0]).shape == (0,)
