"""Softmaxes that are written for the rows of a matrix, along any axis of any array."""

import numpy as np


def by_rows(x, axis, softmax):
    """`softmax` of the rows of x along `axis`, which it gets as a matrix, shape (rows, n), n > 0.

    Floating-point warnings are left out: infinities and NaN are results.
    """
    if not x.size:
        return x.copy()
    moved = np.moveaxis(np.atleast_1d(x), axis, -1)
    with np.errstate(all="ignore"):
        y = softmax(np.ascontiguousarray(moved).reshape(-1, moved.shape[-1]))
    return np.ascontiguousarray(np.moveaxis(y.reshape(moved.shape), -1, axis)).reshape(x.shape)
