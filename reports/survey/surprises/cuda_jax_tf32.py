"""JAX: attention of float32 on a GPU has its matrix products in TF32, of 11 bits."""

import jax
import jax.numpy as jnp
import numpy as np

rng = np.random.default_rng(0)
q, k, v = (rng.standard_normal((1, 256, 1, 64)).astype(np.float32) for _ in range(3))


def error(y):
    scores = np.einsum("bqhd,bkhd->bhqk", *(t.astype(np.float64) for t in (q, k))) / 8
    e = np.exp(scores - scores.max(-1, keepdims=True))
    z = np.einsum("bhqk,bkhd->bqhd", e / e.sum(-1, keepdims=True), v.astype(np.float64))
    return np.linalg.norm(np.asarray(y, np.float64) - z) / np.linalg.norm(z)


print(f"jax {jax.__version__} on {jax.devices()[0].device_kind}, float32")
print(f"as it comes: error {error(jax.nn.dot_product_attention(q, k, v)):.1e} of the norm")
with jax.default_matmul_precision("highest"):
    print(f"precision highest: error {error(jax.nn.dot_product_attention(q, k, v)):.1e}")
product, right = jnp.matmul(q[0, :, 0], k[0, :, 0].T), q[0, :, 0].astype(float) @ k[0, :, 0].T
error = np.linalg.norm(np.asarray(product, float) - right) / np.linalg.norm(right)
print(f"q k' alone: error {error:.1e}")
try:
    import torch

    given = (torch.tensor(each, device="cuda").transpose(1, 2) for each in (q, k, v))
    y = torch.nn.functional.scaled_dot_product_attention(*given)
    scores = np.einsum("bqhd,bkhd->bhqk", q.astype(float), k.astype(float)) / 8
    e = np.exp(scores - scores.max(-1, keepdims=True))
    z = np.einsum("bhqk,bkhd->bhqd", e / e.sum(-1, keepdims=True), v.astype(float))
    error = np.linalg.norm(y.cpu().numpy() - z) / np.linalg.norm(z)
    print(f"torch {torch.__version__} as it comes: error {error:.1e}")
except ImportError:
    pass
