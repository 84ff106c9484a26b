"""CuPy: softmax of float32 gives 0 where the result is a subnormal number."""

import cupy
import mpmath
import numpy as np
from cupyx.scipy.special import softmax

print(f"cupy {cupy.__version__}")
for gap in (87.25, 88.0, 103.0):
    right = mpmath.exp(-gap) / (1 + mpmath.exp(-gap))
    y = softmax(cupy.array([0.0, -gap], np.float32))[1]
    print(f"softmax([0, -{gap}])[1] = {float(y):.7g}, right is {float(right):.7g}")
small, one = cupy.array([6e-39], np.float32), cupy.array([1], np.float32)
e = cupy.exp(cupy.array([-88], np.float32))
print(f"exp(-88) = {float(e[0]):.7g}, 6e-39 / 1 = {float((small / one)[0]):.7g}")
print(f"6e-39 * 1 = {float((small * one)[0]):.7g}, 6e-39 + 0 = {float((small + 0 * one)[0]):.7g}")
