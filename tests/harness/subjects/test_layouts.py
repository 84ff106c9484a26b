"""Layouts: the same numbers, unless rows, heads or entries share them, at the strides of views."""

import numpy as np
import pytest
from softmax_harness.subjects.layouts import LAYOUTS, REPEATING

SHAPES = ((), (5,), (3, 7), (2, 5, 7), (2, 9, 5, 7))


def numbers(shape):
    return np.arange(1.0, 1.0 + np.prod(shape, dtype=int), dtype=np.float32).reshape(shape)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", LAYOUTS)
def test_shape_and_type_are_kept_and_the_numbers_unless_they_are_shared(name, shape):
    x = numbers(shape)
    laid = LAYOUTS[name](x)
    assert laid.shape == shape and laid.dtype == x.dtype
    if name in REPEATING:
        assert np.isin(laid, x).all()
    else:
        assert (laid == x).all()


@pytest.mark.parametrize("name", ["pitched", "aligned", "cached", "packed", "every-other"])
def test_what_lies_between_is_nan(name):
    whole = LAYOUTS[name](x := numbers((2, 9, 5, 7)))
    while whole.base is not None:
        whole = whole.base
    assert np.isnan(whole).sum() == whole.size - x.size > 0


def strides(name):
    """In numbers, of two batches of nine heads of five queries of seven components."""
    return tuple(each // 4 for each in LAYOUTS[name](numbers((2, 9, 5, 7))).strides)


def test_views_lie_as_models_have_them():
    assert strides("packed") == (5 * 3 * 9 * 7, 7, 3 * 9 * 7, 1)  # batch, query, q k v, head
    assert strides("cached") == (9 * 13 * 7, 13 * 7, 7, 1)
    assert strides("aligned") == (9 * 5 * 32, 5 * 32, 32, 1)
    assert strides("shared-by-heads")[1:] == (0, 7, 1)
    assert LAYOUTS["packed"](numbers((5, 7))).strides == (4 * 3 * 7, 4)
