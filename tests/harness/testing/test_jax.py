"""`assert_close` and `exact` on arrays of JAX."""

import re

import numpy as np
import pytest

jax = pytest.importorskip("jax", reason="pip install jax jaxlib to have this run")

import jax.numpy as jnp
from softmax_harness.ground.errors import HarnessError
from softmax_harness.testing import assert_close, exact

NAMES = ("float16", "bfloat16", "float32")


def logits(name, *shape):
    made = np.random.default_rng(5).standard_normal(shape)
    return jnp.asarray(3 * made).astype(name)


def wide(x, axis=-1):
    """In float32, rounded once: jax.nn.softmax works in the format of x."""
    return jax.nn.softmax(x.astype(jnp.float32), axis).astype(x.dtype)


def without_rescaling(x, block=50):
    """Each block shifted by its own largest logit; the sums are added as if by the same."""
    parts = x.astype(jnp.float32).reshape(len(x), -1, block)
    e = jnp.exp(parts - parts.max(-1, keepdims=True)).reshape(x.shape)
    return (e / e.sum(-1, keepdims=True)).astype(x.dtype)


def failure(*given, **named):
    with pytest.raises(AssertionError) as caught:
        assert_close(*given, **named)
    return str(caught.value)


@pytest.fixture(params=["cpu", pytest.param("cuda", marks=pytest.mark.cuda)])
def device(request):
    """Where arrays are made meanwhile."""
    with jax.default_device(jax.devices(request.param)[0]):
        yield request.param


@pytest.mark.parametrize("name", NAMES)
def test_what_is_right_passes_and_what_is_wrong_fails(name, device):
    x = logits(name, 32, 300)
    assert device == "cpu" or {each.platform for each in x.devices()} == {"gpu"}
    y = wide(x)
    assert_close(y, x)
    assert_close(jax.nn.softmax(x, -1), x, standard="native")
    assert "inaccurate" in failure((y.astype(jnp.float32) * 1.04).astype(name), x)
    assert "Mismatched elements" in failure(without_rescaling(x), x)
    assert "underflow" in failure(jnp.zeros_like(y), x)
    right = exact(x)
    assert isinstance(right, jax.Array) and right.dtype == x.dtype
    assert right.sharding == x.sharding and right.shape == x.shape
    assert_close(right, x, standard="rounded")


def test_zeros_of_a_long_row(device):
    x = jnp.zeros(393216, jnp.bfloat16)
    assert "Mismatched elements: 393216 / 393216 (100.0%)" in failure(x, x)


def test_shapes_axes_and_formats(device):
    x = logits("bfloat16", 6, 8, 10)
    for view in [x, x[::2, 1:], x.T, jnp.broadcast_to(x[:1], (4, 8, 10))]:
        for axis in (-1, 0, 1):
            assert_close(wide(view, axis), view, axis=axis)
    number = jnp.float32(3)
    assert_close(jnp.float32(1), number)
    assert exact(number).shape == () and exact(x[:0]).shape == (0, 8, 10)
    assert_close(wide(x).astype(jnp.float32).astype(jnp.bfloat16), x.astype(jnp.float32))
    assert exact(x, dtype=jnp.float32).dtype == jnp.float32


def test_it_flushes_subnormals_on_a_cpu():
    x = jnp.array([0.0, -100.0], device=jax.devices("cpu")[0])
    if jax.nn.softmax(x)[1]:
        pytest.skip("JAX keeps subnormals on this processor; run it on another")
    assert "flushed_subnormal" in failure(jax.nn.softmax(x), x)
    assert_close(jax.nn.softmax(x), x, without=["subnormals"])


REFUSED = {
    "jax_enable_x64": lambda x: exact(x, dtype="float64"),
    "which cannot be read here": lambda x: jax.jit(lambda y: assert_close(y, y))(x),
    "x has shape (4, 5) and y has (3, 5)": lambda x: assert_close(x[:3], x),
}


@pytest.mark.parametrize("message, call", REFUSED.items(), ids=REFUSED)
def test_what_cannot_be_judged_is_refused_in_one_line(message, call):
    with pytest.raises(HarnessError, match=re.escape(message)) as caught:
        call(logits("float32", 4, 5))
    assert "\n" not in str(caught.value)
