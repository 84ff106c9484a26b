"""JAX: dot_product_attention of float16 raises on the CPU under jit, and only there."""

import jax
import numpy as np

q = np.ones((1, 2, 1, 4), np.float16)
print(f"jax {jax.__version__}, without jit: {jax.nn.dot_product_attention(q, q, q).ravel()[0]}")
try:
    print("with jit:", jax.jit(jax.nn.dot_product_attention)(q, q, q).ravel()[0])
except ValueError as error:
    print("with jit: ValueError:", error)
