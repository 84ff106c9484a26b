"""JAX: dot_product_attention of one float16 query raises on a GPU."""

import jax
import jax.numpy as jnp

print(f"jax {jax.__version__} on {jax.devices()[0].device_kind}")
for queries in (1, 2, 16):
    for dtype in (jnp.float16, jnp.bfloat16):
        name = dtype.__name__
        q, k = jnp.ones((1, queries, 1, 8), name), jnp.ones((1, 32, 1, 8), name)
        for told, function in (
            ("without jit", jax.nn.dot_product_attention),
            ("with jit", jax.jit(jax.nn.dot_product_attention)),
        ):
            try:
                answer = f"{float(function(q, k, k)[0, 0, 0, 0])}"
            except Exception as error:  # noqa: BLE001 (whatever is raised is the answer)
                answer = f"{type(error).__name__}: {str(error).splitlines()[0][:90]}"
            print(f"{name}, {queries} queries, {told}: {answer}")
