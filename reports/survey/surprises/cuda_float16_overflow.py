"""JAX and CuPy: float16 softmax of 65520 equal logits is 0 throughout; PyTorch's is right."""

import cupy
import jax
import jax.numpy as jnp
import numpy as np
import torch
from cupyx.scipy.special import softmax

print(f"jax {jax.__version__}, cupy {cupy.__version__}, torch {torch.__version__}")
for n in (65503, 65519, 65520):
    by_jax = jax.nn.softmax(jnp.zeros(n, jnp.float16))[0]
    by_cupy = softmax(cupy.zeros(n, np.float16))[0]
    by_torch = torch.softmax(torch.zeros(n, dtype=torch.float16, device="cuda"), 0)[0]
    found = ", ".join(f"{float(each):.4g}" for each in (by_jax, by_cupy, by_torch))
    print(f"{n} zeros: {found}; right is {1 / n:.4g}")
