"""Softmaxes that raise where they should answer."""

import numpy as np

from softmax_faults.softmax import good


def underflow_raises(x, axis=-1):
    """Works with NumPy's errors raised, underflow included.

    Found as: raised.
    """
    y = good.softmax(x, axis)
    with np.errstate(under="raise"):
        d = good.floats(x)
        np.exp(d - np.max(d, initial=-np.inf, where=np.isfinite(d)), where=np.isfinite(d))
    return y


def sum_asserted(x, axis=-1):
    """Asserts that each row sums to 1, which a row of NaN does not.

    Found as: raised.
    """
    y = good.softmax(x, axis)
    assert y.size == 0 or np.all(np.abs(np.sum(y, axis=axis, dtype=np.float64) - 1) < 1e-2)
    return y


def infinity_refused(x, axis=-1):
    """Refuses infinite logits, -inf included.

    Found as: raised.
    """
    if np.isinf(x).any():
        raise ValueError("logits must be finite")
    return good.softmax(x, axis)


def long_rows_refused(x, axis=-1):
    """Refuses rows of more than 65535 elements.

    Found as: raised.
    """
    if np.ndim(x) and np.shape(x)[axis] > 65535:
        raise ValueError("row too long")
    return good.softmax(x, axis)


def three_axes_refused(x, axis=-1):
    """Unpacks the shape into rows and columns, which three axes do not fit.

    Found as: raised, axis, batch.
    """
    if np.ndim(x) > 1:
        _rows, _columns = np.shape(x)
    return good.softmax(x, axis)


def unusual_error_raised(x, axis=-1):
    """Raises an exception whose text cannot be had.

    Found as: raised.
    """

    class Unspeakable(Exception):
        def __str__(self):
            raise RuntimeError("no text")

        __repr__ = __str__

    raise Unspeakable
