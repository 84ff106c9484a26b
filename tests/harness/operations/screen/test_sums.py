"""Sums of numbers in columns, products of pairs, and the memory that they are worked out in."""

from fractions import Fraction

import numpy as np
import pytest
from softmax_harness.ground.formats import FORMATS
from softmax_harness.operations.screen import batch, full, light, masks
from softmax_harness.operations.screen.reduction import FIELD, power_of_two
from softmax_harness.operations.screen.sums import HEAD, columns_of_numbers
from softmax_harness.operations.screen.workspace import Workspace, aligned, bits_of


def exactly(*numbers):
    return sum(map(Fraction, map(float, numbers)), Fraction(0))


@pytest.mark.parametrize("by_row", [False, True])
@pytest.mark.parametrize("n", [1, 5, 1000, 20_000])
def test_columns_add_up_to_numbers_of_either_sign(n, by_row):
    rng = np.random.default_rng(n)
    x = rng.normal(0, 1, (4, n)) * 2.0 ** rng.integers(-90, 5, (4, n))
    x[1] *= 2.0**-30
    x[2] = np.rint(8 * x[2])
    size = np.frexp(np.abs(x).max(axis=-1, keepdims=True))[1]
    columns, error = columns_of_numbers(x, size if by_row else int(size.max()), Workspace(x.shape))
    for row in range(4):
        found = exactly(*(each[row, 0] for each in columns))
        assert abs(found - exactly(*x[row])) <= Fraction(error[row, 0])
    assert error[2, 0] == 0.0 and (n < 1000 or error[0, 0] > 0.0)


@pytest.mark.parametrize("kernel, share", [(light, 2.0**-65), (full, 2.0**-102)])
def test_products_with_other_numbers_keep_their_share_of_the_bound(kernel, share):
    rng, shape = np.random.default_rng(0), (3, 50)
    head, factor = rng.uniform(1, 2, shape), rng.normal(0, 1, shape) * 2.0 ** rng.integers(-9, 9)
    tail = rng.uniform(-1, 1, shape) * 2.0**-53
    if kernel is light:
        head, tail = (bits_of(head) & HEAD).view(np.float64), tail * 2.0**38
    given = head.copy(), tail.copy(), factor.copy()
    found = kernel.times(head, tail, factor, Workspace(shape))
    for h, t, f, p, e in zip(*(each.ravel() for each in (*given, *found)), strict=True):
        exact = exactly(h, t) * exactly(f)
        assert abs(exactly(p, e) - exact) <= Fraction(share) * abs(exact)
    assert all((a == b).all() for a, b in zip(given, (head, tail, factor), strict=True))


@pytest.mark.parametrize("kernel, share", [(light, 2.0**-64), (full, 2.0**-100)])
def test_a_factor_of_each_row_over_the_sum_is_multiplied_at_once(kernel, share):
    rng, shape = np.random.default_rng(1), (3, 20)
    head = (bits_of(rng.uniform(1, 2, shape)) & HEAD).view(np.float64)
    tail, columns = rng.uniform(-1, 1, shape) * 2.0**-55, [np.full((3, 1), 7.3), np.full((3, 1), 0)]
    factor = rng.normal(0, 1, (3, 1)), rng.uniform(-1, 1, (3, 1)) * 2.0**-60
    exact = [
        [exactly(*each) for each in zip(*row, strict=True)] for row in zip(head, tail, strict=True)
    ]
    share_of_row = kernel.times_inverse(kernel.inverse(columns), factor)
    found = kernel.scaled(head, tail, share_of_row, Workspace(shape))
    for row in range(3):
        own = exactly(factor[0][row, 0], factor[1][row, 0]) / Fraction(7.3)
        for p, e, z in zip(found[0][row], found[1][row], exact[row], strict=True):
            assert abs(exactly(p, e) - own * z) <= Fraction(share) * abs(own * z)


def test_powers_of_two_are_taken_from_a_unit_of_each_row():
    q = np.array([[0, -5, -2000], [-1990, -2000, -2040]]) * FIELD
    unit = np.array([[0], [-1990]]) * FIELD
    found = power_of_two(q, np.empty(q.shape, np.int64), unit)
    assert found.tolist() == [[1.0, 2.0**-5, 2.0**-900], [1.0, 2.0**-10, 2.0**-50]]
    assert power_of_two(q[:1], np.empty((1, 3), np.int64), least=-1022)[0, 2] == 2.0**-1022


def test_memory_begins_at_lines_of_the_caches():
    w = Workspace((3, 7))
    arrays = [w.take() for _ in range(16)] + [aligned((n, 5)) for n in range(4)]
    assert all(each.ctypes.data % 64 == 0 or not each.size for each in arrays)


@pytest.mark.parametrize("dtype", ["float16", "float64"])
@pytest.mark.parametrize("shown", [0.0, 99.0, 101.0, -599.0, -650.0, -1400.0])
def test_hidden_logits_add_nothing_wherever_the_others_lie(dtype, shown, assert_agrees):
    rng = np.random.default_rng(2)
    x, mask = shown + rng.normal(0, 3, (8, 9)), rng.random((8, 9)) < 0.5
    x[0, :2], mask[0, :2] = (np.nan, np.inf), False
    x[1] = shown
    mask[2:5] = [[False] * 9, [True] * 9, np.arange(9) == 4]
    x[:, 5] = np.where(mask[:, 5], x[:, 5], 6e4)
    x = x.astype(dtype).astype(float)
    left = assert_agrees("softmax_masked", x, (mask,), FORMATS[dtype])
    assert left.sum() <= 1
    known = batch._without_hidden(x, ~mask, masks.all_bits(mask)) is not None
    assert known == (abs(shown) < 90.0)
