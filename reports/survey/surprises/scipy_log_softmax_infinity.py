"""SciPy: log_softmax of a row with +inf is NaN beside -inf; softmax of it is NaN throughout."""

import warnings

import numpy as np
import scipy
from scipy.special import log_softmax, softmax

warnings.simplefilter("ignore")
x = [np.inf, 0.0, 1.0]
print(f"scipy {scipy.__version__}: softmax {softmax(x)}, log_softmax {log_softmax(x)}")
