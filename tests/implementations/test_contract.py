"""What every registered softmax must keep: shape, dtype, axis, layout, special values."""

import numpy as np
import pytest
from softmax_implementations import implementations

ROBUST = [each for name, each in implementations().items() if name != "naive"]
CASES = [(each, dtype) for each in ROBUST for dtype in each.dtypes]
IDS = [f"{each.name}-{dtype}" for each, dtype in CASES]


@pytest.mark.parametrize("each, dtype", CASES, ids=IDS)
def test_shape_dtype_axis_and_layout(each, dtype):
    x = np.random.default_rng(0).normal(size=(4, 6, 5)).astype(dtype)
    before = x.copy()
    for axis in (0, 1, 2, -1):
        y = each(x, axis=axis)
        assert y.shape == x.shape and y.dtype == x.dtype
        assert np.allclose(y.astype(float).sum(axis=axis), 1, atol=5e-3)
        assert np.allclose(each(np.asfortranarray(x), axis=axis), y, rtol=1e-2)
        assert np.allclose(each(x[::-1], axis=axis)[::-1], y, rtol=1e-2)
    assert (x == before).all()


@pytest.mark.parametrize("each, dtype", CASES, ids=IDS)
def test_special_values(each, dtype):
    inf, nan = np.inf, np.nan
    x = np.array([[nan, 1], [inf, 1], [-inf, -inf], [-inf, 1], [1, 2]], dtype)
    y = each(x)
    assert np.isnan(y[:3]).all() and np.isfinite(y[3:]).all()
    assert y[3].tolist() == [0, 1]


@pytest.mark.parametrize("each, dtype", CASES, ids=IDS)
def test_empty_scalar_and_single(each, dtype):
    assert each(np.empty((3, 0), dtype)).shape == (3, 0)
    assert each(np.array(1000, dtype)).shape == () and each(np.array(1000, dtype)) == 1
    assert each(np.array([1000], dtype)).tolist() == [1]


@pytest.mark.parametrize("each", ROBUST, ids=lambda each: each.name)
def test_integers_are_worked_as_float64(each):
    if "float64" in each.dtypes:
        assert each(np.array([1, 2, 3])).dtype == np.float64
