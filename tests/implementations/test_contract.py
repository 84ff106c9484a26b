"""What every registered softmax must keep: shape, dtype, axis, layout, special values."""

import numpy as np
import pytest
from softmax_harness.catalogue import catalogue
from softmax_harness.formats import format_named, format_of
from softmax_harness.metrics import judged
from softmax_harness.operations import OPERATIONS
from softmax_harness.operations.bounds import owed
from softmax_harness.outcomes import GOOD_OUTCOMES, OUTCOMES, classify
from softmax_harness.truth import judge

ALL = [each for each in catalogue().values() if not each.unavailable]
# What declares that it overflows may break on special values in its own way.
ROBUST = [each for each in ALL if "overflow" not in each.expected_findings]


def cases(implementations):
    return [
        pytest.param(each, format_named(dtype), id=f"{each.name}-{dtype}")
        for each in implementations
        for dtype in each.dtypes
    ]


def assert_judged_well(each, x, y, axis):
    """Every element is right or as accurate as is owed, or of the kind that is expected of it."""
    rows, results = (np.moveaxis(a, axis, -1).reshape(-1, x.shape[axis]) for a in (x, y))
    exact = rows.astype(float)
    truth = judge(OPERATIONS["softmax"], exact, format_of(y))
    batch = judged(exact, results.astype(float), truth)
    limit = owed(exact, truth.value, truth.ulp, truth.format)
    found = {OUTCOMES[code] for code in np.unique(classify(batch, limit))}
    assert found <= {*GOOD_OUTCOMES, *each.expected_findings}


@pytest.mark.parametrize("each, format", cases(ALL))
def test_shape_dtype_axis_and_layout(each, format):
    x = np.random.default_rng(0).normal(size=(4, 6, 5)).astype(format.dtype)
    layouts = (x, np.asfortranarray(x), np.repeat(x, 2, axis=1)[:, ::2], x[::-1].copy()[::-1])
    for layout in layouts:
        before = layout.tobytes()
        for axis in (0, 1, 2, -1):
            y = each(layout, axis=axis)
            assert y.shape == x.shape and y.dtype.name == (each.output_dtype or format.name)
            assert_judged_well(each, x, y, axis)
        assert layout.tobytes() == before


@pytest.mark.parametrize("each, format", cases(ROBUST))
def test_special_values(each, format):
    inf, nan = np.inf, np.nan
    x = np.array([[nan, 1], [inf, 1], [-inf, -inf], [-inf, 1], [1, 2]]).astype(format.dtype)
    y = each(x).astype(float)
    assert np.isnan(y[:3]).all() and np.isfinite(y[3:]).all()
    assert y[3].tolist() == [0, 1]


@pytest.mark.parametrize("each, format", cases(ROBUST))
def test_extremes_of_the_format(each, format):
    large, small = format.largest, format.smallest_subnormal
    x = np.array([[large, -large], [small, -small], [-0.0, 0.0]]).astype(format.dtype)
    y = each(x).astype(float)
    assert y.tolist() == [[1, 0], [0.5, 0.5], [0.5, 0.5]]


@pytest.mark.parametrize("each, format", cases(ROBUST))
def test_empty_scalar_and_single(each, format):
    assert each(np.empty((3, 0), format.dtype)).shape == (3, 0)
    scalar = each(np.array(1000).astype(format.dtype))
    assert scalar.shape == () and scalar == 1
    assert each(np.array([1000]).astype(format.dtype)).tolist() == [1]


@pytest.mark.parametrize("each", ROBUST, ids=lambda each: each.name)
def test_integers_are_worked_as_float64(each):
    if "integers" in each.capabilities and "float64" in each.dtypes:
        assert each(np.array([1, 2, 3])).dtype == np.float64
