"""JAX's softmax, compiled for the CPU by XLA."""

import numpy as np

from softmax_implementations.registry import LIBRARY_DTYPES, implementation


@implementation(
    "jax",
    dtypes=LIBRARY_DTYPES,
    library="jax",
    capabilities=("axes",),
)
def jax_softmax(x, axis=-1):
    """jax.nn.softmax with 64-bit types enabled.

    XLA flushes subnormal numbers to zero. An array without axes has no axis -1 here.
    """
    import jax

    jax.config.update("jax_enable_x64", True)
    return np.asarray(jax.nn.softmax(np.asarray(x), axis=axis))
