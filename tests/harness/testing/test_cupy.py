"""`assert_close` and `exact` on arrays of CuPy, which are all on a CUDA device."""

import numpy as np
import pytest

cupy = pytest.importorskip("cupy", reason="pip install cupy-cuda13x, and run it on a CUDA device")

from cupyx.scipy.special import softmax
from softmax_harness.testing import assert_close, exact

pytestmark = pytest.mark.cuda


def logits(dtype, *shape):
    return cupy.asarray(3 * np.random.default_rng(5).standard_normal(shape)).astype(dtype)


def failure(*given, **named):
    with pytest.raises(AssertionError) as caught:
        assert_close(*given, **named)
    return str(caught.value)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_what_is_right_passes_and_what_is_wrong_fails(dtype):
    x = logits(dtype, 32, 300)
    y = softmax(x, axis=-1)
    assert_close(y, x, standard="native")
    assert "inaccurate" in failure((y * 1.04).astype(dtype), x)
    assert "underflow" in failure(cupy.zeros_like(y), x)
    right = exact(x)
    assert isinstance(right, cupy.ndarray) and right.dtype == x.dtype
    assert right.device == x.device and right.shape == x.shape
    assert_close(right, x, standard="rounded")


def test_views_and_axes():
    x = logits("float32", 6, 8, 10)
    for view in [x, x[::2, 1:], x.T, cupy.broadcast_to(x[:1], (4, 8, 10)), x[:, ::-1]]:
        for axis in (-1, 0, 1):
            assert_close(softmax(view, axis=axis), view, axis=axis)
    number = cupy.float32(3)
    assert_close(cupy.ones((), "float32"), cupy.asarray(number))
    assert exact(x[:0]).shape == (0, 8, 10)


def test_a_float32_array_of_another_library_beside_it():
    torch = pytest.importorskip("torch", reason="pip install torch for CUDA")
    x = logits("float32", 4, 50)
    tensor = torch.from_dlpack(x)
    assert_close(torch.softmax(tensor, -1), x)
    assert_close(softmax(x, axis=-1), tensor)
