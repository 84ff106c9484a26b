"""JAX: softmax of float8_e4m3fn is NaN throughout, for any logits."""

import jax
import jax.numpy as jnp

print(f"jax {jax.__version__}")
for dtype in (jnp.float8_e4m3fn, jnp.float8_e4m3fnuz, jnp.float8_e5m2):
    x = jnp.array([0, 1, 2, -3], dtype)
    print(f"{x.dtype}: softmax {jax.nn.softmax(x)}, log_softmax {jax.nn.log_softmax(x)}")
    print(f"  max {jnp.max(x)}, max from -inf {jnp.max(x, initial=-jnp.inf)}")
    print(
        f"  logsumexp(0, 1, 2, -3) {jax.nn.logsumexp(x)}, (8, 8)", jax.nn.logsumexp(x[:2] * 0 + 8)
    )
