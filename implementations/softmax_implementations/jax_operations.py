"""JAX's logarithms and attention, compiled for the CPU by XLA, with 64-bit types enabled.

XLA flushes subnormal numbers to zero. An array without axes has no axis -1 here. Of float16 the sum
is rounded to float16 before its logarithm is taken: that of 65520 or more equal logits overflows.
"""

import math
from functools import cache

import numpy as np

from softmax_implementations.registry import FLOAT8_DTYPES, LIBRARY_DTYPES, implementation


def _jax():
    import jax

    jax.config.update("jax_enable_x64", True)
    jax.config.update("jax_default_device", jax.devices("cpu")[0])
    return jax


@cache
def _compiled(name, *static):
    """A function of jax.nn, compiled as a whole rather than step by step."""
    jax = _jax()
    return jax.jit(getattr(jax.nn, name), static_argnames=static)


@implementation(
    "jax",
    operation="log_softmax",
    dtypes=(*FLOAT8_DTYPES, *LIBRARY_DTYPES),
    library="jax",
    standard="usual",
    expected_findings=(
        "overflow in float16",
        "wrong_special in float8_e4m3fn",
        "nan in float8_e4m3fn",
        "overflow in float8_e4m3fn",
        "denominator_underflow in float8_e4m3fn",
        "inaccurate in float8_e5m2 up to 7 ulp",
        "spurious_underflow in float8_e5m2",
    ),
    capabilities=("axes",),
)
def log_softmax(x, axis=-1):
    """jax.nn.log_softmax: (x - max x) - log sum exp(x - max x); NaN in float8_e4m3fn."""
    return np.asarray(_compiled("log_softmax", "axis")(np.asarray(x), axis=axis))


@implementation(
    "jax",
    operation="logsumexp",
    dtypes=(*FLOAT8_DTYPES, *LIBRARY_DTYPES),
    library="jax",
    standard="usual",
    expected_findings=(
        "overflow in float16",
        "overflow in float8_e4m3fn",
        "denominator_underflow in float8_e4m3fn",
        "nan in float8_e4m3fn",
        "inaccurate in float8_e4m3fn up to 4e1 ulp",
        "inaccurate in float8_e5m2 up to 4e1 ulp",
        "spurious_underflow in float8_e4m3fn",
        "spurious_underflow in float8_e5m2",
    ),
    capabilities=("axes",),
)
def logsumexp(x, axis=-1):
    """jax.nn.logsumexp: max x + log sum exp(x - max x).

    Of float8_e4m3fn it is log sum exp x, which overflows from 6.5 on: the maximum is NaN there, for
    which it takes 0.
    """
    return np.asarray(_compiled("logsumexp", "axis")(np.asarray(x), axis=axis))


@implementation(
    "jax",
    operation="cross_entropy",
    dtypes=LIBRARY_DTYPES,
    library="jax",
    standard="usual",
    expected_findings=("overflow in float16",),
    capabilities=("axes",),
)
def cross_entropy(x, target, axis=-1):
    """Minus jax.nn.log_softmax at the target, as optax has it."""
    log = np.asarray(_compiled("log_softmax", "axis")(np.asarray(x), axis=axis))
    place = np.expand_dims(target, axis)
    return -np.take_along_axis(log, place, axis=axis).squeeze(axis)


@implementation(
    "jax",
    operation="attention",
    dtypes=("bfloat16", "float32"),
    library="jax",
    standard="native",
    capabilities=(),
    expected_findings=("wrong_special", "out_of_range"),
)
def attention(q, k, v, mask):
    """jax.nn.dot_product_attention of one head, with a mask of booleans.

    Of bfloat16 the weights are rounded to their format before they meet the values. On a CPU it
    multiplies no matrices of float16, and of float64 it takes the softmax in float32. It takes
    values of as many columns as keys only, so that zeros are added to either. A row that sees
    nothing is the mean of all values. A finite number stands for -inf: where the scores that are
    seen lie below it, the result is of hidden values.
    """
    (*lead, _, depth), columns = q.shape, v.shape[-1]
    width = max(depth, columns)

    def heads(array):  # (batch, length, heads, components)
        wide = np.zeros((*array.shape[:-1], width), array.dtype)
        wide[..., : array.shape[-1]] = array
        return wide.reshape(math.prod(lead), array.shape[-2], 1, width)

    seen = np.ascontiguousarray(mask).reshape(math.prod(lead), 1, *mask.shape[-2:])
    scale = 1.0 / math.sqrt(depth)
    y = _compiled("dot_product_attention", "scale")(
        heads(q), heads(k), heads(v), mask=seen, scale=scale
    )
    return np.asarray(y)[..., :columns].reshape(*q.shape[:-1], columns)
