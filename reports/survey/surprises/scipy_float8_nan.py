"""SciPy with ml_dtypes: float8_e4m3fn softmax is NaN where logits are far apart."""

import ml_dtypes
import numpy as np
import scipy
from scipy.special import softmax

print(f"scipy {scipy.__version__}, numpy {np.__version__}, ml_dtypes {ml_dtypes.__version__}")
x = np.array([448, -320], ml_dtypes.float8_e4m3fn)
print("x - max x:", x - x.max(), " softmax:", softmax(x), " right is 1, 0")
print("the same in float16:", softmax(x.astype(np.float16)))
