"""SciPy with ml_dtypes: bfloat16 softmax of 4096 equal logits sums to 16."""

import ml_dtypes
import numpy as np
import scipy
from scipy.special import softmax

x = np.zeros(4096, ml_dtypes.bfloat16)
print(f"scipy {scipy.__version__}, numpy {np.__version__}, ml_dtypes {ml_dtypes.__version__}")
print("sum of softmax(x):", softmax(x).astype(np.float64).sum())
print("numpy.sum of 4096 ones:", np.sum(np.ones(4096, ml_dtypes.bfloat16)))
