"""JAX's softmax and its family on a CUDA device, compiled by XLA, 64-bit types where needed.

An array without axes has no axis -1 here.
"""

import math
from functools import cache

from softmax_implementations.registry import LIBRARY_DTYPES, LONGEST_SUM, implementation


def _declared(name, operation="softmax", **more):
    given: dict[str, object] = {
        "dtypes": LIBRARY_DTYPES,
        "arrays": "jax",
        "device": "cuda",
        "capabilities": ("axes",),
    }
    given["standard"] = "native" if operation in ("softmax", "attention") else "usual"
    if operation != "attention":
        given["largest_n"] = LONGEST_SUM
    return implementation(name, operation=operation, **given | more)


@cache
def _compiled(name, *static):
    """A function of jax.nn, compiled as a whole rather than step by step."""
    import jax

    return jax.jit(getattr(jax.nn, name), static_argnames=static)


@_declared("jax-cuda", expected_findings=("nondeterminism",))
def softmax(x, axis=-1):
    """jax.nn.softmax on a CUDA device, with 64-bit types enabled for float64.

    XLA times several kernels when it compiles, and takes the fastest: bits change with the process.
    """
    import jax

    return jax.nn.softmax(x, axis=axis)


@_declared("jax-cuda-jit")
def compiled_softmax(x, axis=-1):
    """jax.jit(jax.nn.softmax) on a CUDA device: XLA makes one kernel of its steps."""
    return _compiled("softmax", "axis")(x, axis=axis)


@_declared("jax-cuda", "log_softmax")
def log_softmax(x, axis=-1):
    """jax.jit(jax.nn.log_softmax) on a CUDA device: (x - max x) - log sum exp(x - max x)."""
    return _compiled("log_softmax", "axis")(x, axis=axis)


@_declared("jax-cuda", "logsumexp")
def logsumexp(x, axis=-1):
    """jax.jit(jax.nn.logsumexp) on a CUDA device: max x + log sum exp(x - max x)."""
    return _compiled("logsumexp", "axis")(x, axis=axis)


@_declared("jax-cuda", "cross_entropy")
def cross_entropy(x, target, axis=-1):
    """Minus jax.nn.log_softmax at the target, on a CUDA device, as optax has it."""
    import jax.numpy as jnp

    log = _compiled("log_softmax", "axis")(x, axis=axis)
    place = jnp.expand_dims(target, axis)
    return -jnp.take_along_axis(log, place, axis=axis).squeeze(axis)


_ODD = ("wrong_special", "raised in float16", "inaccurate in float64 up to 1e14 ulp")


@_declared("jax-cuda", "attention", expected_findings=_ODD)
def attention(q, k, v, mask):
    """jax.nn.dot_product_attention on a CUDA device, matrix products as XLA chooses them.

    That of float64 has its softmax in float32.
    """
    return _attention(q, k, v, mask)


@_declared(
    "jax-cuda-highest", "attention", dtypes=("float32",), expected_findings=("wrong_special",)
)
def attention_of_highest_precision(q, k, v, mask):
    """jax.nn.dot_product_attention on a CUDA device, its matrix products in whole float32."""
    import jax

    with jax.default_matmul_precision("highest"):
        return _attention(q, k, v, mask)


def _attention(q, k, v, mask):
    """The call of one head, with a mask of booleans.

    It takes values of as many columns as keys only, so that zeros are added to either. A row that
    sees nothing is the mean of all values.
    """
    import jax.numpy as jnp

    lead = jnp.broadcast_shapes(*(each.shape[:-2] for each in (q, k, v, mask)))
    batch, depth, columns = math.prod(lead), q.shape[-1], v.shape[-1]
    width = max(depth, columns)

    def heads(array):  # (batch, length, heads, components)
        whole = jnp.broadcast_to(array, (*lead, *array.shape[-2:]))
        wide = jnp.pad(whole, [(0, 0)] * (len(lead) + 1) + [(0, width - array.shape[-1])])
        return wide.reshape(batch, array.shape[-2], 1, width)

    seen = jnp.broadcast_to(mask, (*lead, q.shape[-2], k.shape[-2]))
    y = _compiled("dot_product_attention", "scale")(
        *(heads(each) for each in (q, k, v)),
        mask=seen.reshape(batch, 1, *seen.shape[-2:]),
        scale=1.0 / math.sqrt(depth),
    )
    return y[..., :columns].reshape(*lead, q.shape[-2], columns)
