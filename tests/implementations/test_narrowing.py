"""Rounding to a narrower type gives what NumPy's conversion gives, to the last bit."""

import numpy as np
import pytest
from softmax_implementations.narrowing import rounded_to

HALF = np.dtype(np.float16)


def bits(values):
    return np.where(np.isnan(values), np.float16(np.nan), values).view(np.uint16)


def float32_of_interest():
    """All float16, the middles between them with both neighbours, and any float32."""
    every = np.arange(1 << 16, dtype=np.uint16).view(np.float16).astype(np.float32)
    finite = np.unique(every[np.isfinite(every)])
    middles = (finite[1:] + finite[:-1]) / 2
    around = [np.nextafter(middles, np.float32(end)) for end in (-np.inf, np.inf)]
    drawn = np.random.default_rng(0).integers(0, 1 << 32, 200_000, np.uint32).view(np.float32)
    return np.concatenate([every, middles, *around, drawn])


@np.errstate(all="ignore")
def test_every_number_is_rounded_as_by_numpy():
    values = float32_of_interest()
    found = rounded_to(values, HALF)
    assert found.dtype == HALF
    np.testing.assert_array_equal(bits(found), bits(values.astype(HALF)))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@np.errstate(all="ignore")
def test_other_types_are_converted(dtype):
    values = np.array([1e-6, 1.0, -0.0, np.nan], np.longdouble)
    np.testing.assert_array_equal(rounded_to(values, dtype), values.astype(dtype))


def test_a_number_alone_stays_one():
    assert rounded_to(np.float32(1e-6), HALF) == np.float16(1e-6)
    assert rounded_to(np.array(1e-6, np.float32), HALF).shape == ()


def test_arrays_of_other_kinds_convert_themselves():
    class Recording(np.ndarray):
        def astype(self, dtype):
            return "its own"

    assert rounded_to(np.zeros(3, np.float32).view(Recording), HALF) == "its own"
