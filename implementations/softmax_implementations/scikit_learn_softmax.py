"""scikit-learn's softmax, which its classifiers turn their scores into probabilities with."""

import numpy as np

from softmax_implementations.registry import FLOAT8_DTYPES, LIBRARY_DTYPES, implementation


@implementation(
    "scikit-learn",
    dtypes=(*FLOAT8_DTYPES, *LIBRARY_DTYPES),
    library="sklearn",
    capabilities=("subnormals", "axes"),
    standard="native",
    expected_findings=(
        "axis in float16",
        "overflow in float16",
        "overflow in float8_e4m3fn",
        "inaccurate in bfloat16 up to 7e4 ulp",
    ),
)
def scikit_learn_softmax(x, axis=-1):
    """sklearn.utils.extmath.softmax: exp(x - max x) / sum exp(x - max x), of rows of a matrix.

    The axis is moved to the end for it, and what stands before is one row after another. Its sum is
    `numpy.sum` along the rows.
    """
    from sklearn.utils.extmath import softmax

    moved = np.moveaxis(x, axis, -1)
    with np.errstate(all="ignore"):
        y = softmax(np.ascontiguousarray(moved).reshape(-1, moved.shape[-1]))
    return np.moveaxis(y.reshape(moved.shape), -1, axis)
