"""JAX: float16 softmax of 65520 equal logits is 0 throughout."""

import jax
import numpy as np

print(f"jax {jax.__version__}")
for n in (65519, 65520, 128256):
    y = np.asarray(jax.nn.softmax(np.zeros(n, np.float16)))
    print(f"n = {n}: {y[0]:.4g}, right is {1 / n:.4g}; sum of all {y.astype(np.float64).sum():.4g}")
