"""JAX: softmax gives 0 where the result is a subnormal float32 number."""

import jax
import mpmath
import numpy as np

x = np.array([0.0, -88.0], np.float32)
z = mpmath.exp(-88)
print(f"jax {jax.__version__}: softmax([0, -88])[1] = {float(jax.nn.softmax(x)[1])}")
print(f"right is {float(z):.7g}, {float(z / mpmath.mpf(2) ** -149):.4g} times the smallest number")
