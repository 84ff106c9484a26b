"""JAX's logarithms and attention, compiled for the CPU by XLA, with 64-bit types enabled.

XLA flushes subnormal numbers to zero. An array without axes has no axis -1 here.
"""

import numpy as np

from softmax_implementations.registry import DTYPES, implementation


def _jax():
    import jax

    jax.config.update("jax_enable_x64", True)
    return jax


@implementation(
    "jax",
    operation="log_softmax",
    dtypes=DTYPES,
    library="jax",
    standard="usual",
    capabilities=("axes",),
)
def log_softmax(x, axis=-1):
    """jax.nn.log_softmax: (x - max x) - log sum exp(x - max x)."""
    return np.asarray(_jax().nn.log_softmax(np.asarray(x), axis=axis))


@implementation(
    "jax",
    operation="logsumexp",
    dtypes=DTYPES,
    library="jax",
    standard="usual",
    capabilities=("axes",),
)
def logsumexp(x, axis=-1):
    """jax.nn.logsumexp: max x + log sum exp(x - max x)."""
    return np.asarray(_jax().nn.logsumexp(np.asarray(x), axis=axis))


@implementation(
    "jax",
    operation="cross_entropy",
    dtypes=DTYPES,
    library="jax",
    standard="usual",
    capabilities=("axes",),
)
def cross_entropy(x, target, axis=-1):
    """Minus jax.nn.log_softmax at the target, as optax has it."""
    log = _jax().nn.log_softmax(np.asarray(x), axis=axis)
    place = np.expand_dims(target, axis)
    return np.asarray(-_jax().numpy.take_along_axis(log, place, axis=axis).squeeze(axis))


@implementation(
    "jax",
    operation="attention",
    dtypes=DTYPES,
    library="jax",
    standard="native",
    capabilities=(),
)
def attention(q, k, v, mask):
    """jax.nn.dot_product_attention of one head, with a mask of booleans.

    Of 16-bit inputs the weights are rounded to their format before they meet the values.
    """

    def heads(array):  # (batch, length, heads, components)
        return np.ascontiguousarray(array).reshape(-1, *array.shape[-2:])[:, :, None]

    seen = np.ascontiguousarray(mask).reshape(-1, 1, *mask.shape[-2:])
    y = _jax().nn.dot_product_attention(heads(q), heads(k), heads(v), mask=seen)
    return np.asarray(y).reshape(*q.shape[:-1], v.shape[-1])
