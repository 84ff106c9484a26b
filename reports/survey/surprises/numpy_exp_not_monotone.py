"""NumPy: exp of float32 is not monotone, so that softmax exchanges two probabilities."""

import numpy as np
from scipy.special import softmax

x = np.array([0.0, float.fromhex("-0x1.9959a6p-2"), float.fromhex("-0x1.9959a4p-2")], np.float32)
print(f"numpy {np.__version__}, the second number is smaller than the third: {x[1] < x[2]}")
# Sixteen of each: short arrays are computed by other code than long ones.
e = np.exp(np.tile(x, 16))
print("exp:", e[1].item().hex(), e[2].item().hex(), "falls:", bool(e[1] > e[2]))
y = softmax(np.tile(x, 16))
print("softmax:", y[1].item().hex(), y[2].item().hex(), "falls:", bool(y[1] > y[2]))
