"""Softmaxes that lose small results."""

import numpy as np

from softmax_faults.softmax import good


def results_flushed(x, axis=-1):
    """Flushes subnormal results to zero (tt-metal#45520).

    Found as: flushed_subnormal.
    """

    def divide(e, s):
        y = good.quotient(e, s)
        y[y < np.finfo(y.dtype).tiny] = 0
        return y

    return good.softmax(x, axis, divide=divide)


def exponentials_flushed(x, axis=-1):
    """Flushes subnormal exponentials to zero.

    Found as: flushed_subnormal.
    """

    def exp(d):
        e = np.exp(d)
        e[e < np.finfo(e.dtype).tiny] = 0
        return e

    return good.softmax(x, axis, exp=exp)


def exponentials_stop_at_smallest_normal(x, axis=-1):
    """Raises subnormal exponentials to the smallest normal number.

    Found as: inaccurate.
    """
    return good.softmax(x, axis, exp=lambda d: np.maximum(np.exp(d), np.finfo(d.dtype).tiny))


def tail_cut_below_20(x, axis=-1):
    """Skips exponentials of distances past 20.

    dtypes: float32, float64
    Found as: spurious_underflow.
    """
    return good.softmax(x, axis, exp=lambda d: np.where(d < -20, d.dtype.type(0), np.exp(d)))


def tail_cut_at_1e_minus_30(x, axis=-1):
    """Sets results below 1e-30 to zero.

    dtypes: float32, float64
    Found as: spurious_underflow.
    """

    def divide(e, s):
        y = good.quotient(e, s)
        y[y < 1e-30] = 0
        return y

    return good.softmax(x, axis, divide=divide)


def tail_cut_at_single_range(x, axis=-1):
    """Cuts float64 off where float32 would underflow.

    dtypes: float64
    Found as: spurious_underflow.
    """
    return good.softmax(x, axis, exp=lambda d: np.where(d < -103.97, d.dtype.type(0), np.exp(d)))


def results_stored_in_half(x, axis=-1):
    """Stores the result in float16 on the way.

    dtypes: float32, float64
    Found as: inaccurate, spurious_underflow.
    """
    return good.softmax(x, axis, divide=lambda e, s: (e / s).astype(np.float16).astype(e.dtype))


def results_stored_in_bfloat16(x, axis=-1):
    """Stores the result with the 8 bits of bfloat16 on the way.

    Found as: inaccurate.
    """
    return good.softmax(x, axis, divide=lambda e, s: good.to_precision(e / s, 8).astype(e.dtype))


def results_rounded_to_seven_decimals(x, axis=-1):
    """Rounds the result to seven decimals.

    dtypes: float32, float64
    Found as: inaccurate, spurious_underflow.
    """
    return good.softmax(x, axis, divide=lambda e, s: np.round(good.quotient(e, s), 7))


def results_quantised_to_bytes(x, axis=-1):
    """Quantises the result to multiples of 1/255.

    Found as: inaccurate, spurious_underflow.
    """
    return good.softmax(x, axis, divide=lambda e, s: (np.rint(255 * (e / s)) / 255).astype(e.dtype))
