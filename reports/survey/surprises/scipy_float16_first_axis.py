"""SciPy: float16 softmax of 4096 equal logits along the first axis sums to 2."""

import numpy as np
import scipy
from scipy.special import softmax

x = np.zeros((4096, 2), np.float16)
print(f"scipy {scipy.__version__}, numpy {np.__version__}")
print("sum of softmax(x, axis=0):", softmax(x, axis=0).astype(np.float64).sum(axis=0))
print(
    "sum of the same along the last axis:",
    softmax(np.ascontiguousarray(x.T), axis=1).astype(np.float64).sum(axis=1),
)
print("numpy.sum of 4096 ones, axis 0:", np.sum(np.ones((4096, 2), np.float16), axis=0))
