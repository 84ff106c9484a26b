"""Conversions from float32 to a format of one byte: two that are right, and wrong ones.

Each takes an array of float32 and the type of ml_dtypes; its docstring tells what `check` finds.
"""

import ml_dtypes
import numpy as np


def _finite(w, y):
    """Where the number and its nearest one are finite, so that the nearest has neighbours."""
    return np.isfinite(w) & np.isfinite(y.astype(np.float32))


def _moved(y, where, step):
    """So many numbers away from 0, or towards it: in sign and magnitude that is the code itself."""
    code = y.view(np.uint8).copy()
    code[where] += np.uint8(step % 256)
    return code.view(y.dtype)


def nearest(w, dtype):
    """Right: to nearest, ties to even, beyond the largest number what overflow gives."""
    return w.astype(dtype)


def saturated(w, dtype):
    """Right where results saturate: the largest number in place of what is beyond it.

    Found as: inaccurate, wrong_special
    Seen in: log_softmax
    """
    largest = np.float32(ml_dtypes.finfo(dtype).max)
    return np.clip(w, -largest, largest).astype(dtype)


def truncated(w, dtype):
    """Towards 0 instead of to nearest.

    Found as: inaccurate
    """
    y = w.astype(dtype)
    is_larger = _finite(w, y) & (np.abs(y.astype(np.float32)) > np.abs(w))
    return _moved(y, is_larger, -1)


def ties_away(w, dtype):
    """The middle between two numbers to the one farther from 0: as near, but not to even.

    1/n is one where n is large. Only who limits what is not correctly rounded sees that.

    Found as: limit
    Seen in: softmax, attention
    """
    y = w.astype(dtype)
    up = _moved(y, np.ones(y.shape, bool), 1).astype(np.float64)
    with np.errstate(invalid="ignore"):
        middle = (y.astype(np.float64) + up) / 2
    return _moved(y, _finite(w, y) & (w == middle) & np.isfinite(middle), 1)


def flushing(w, dtype):
    """0 in place of a subnormal number.

    Found as: flushed_subnormal
    """
    y = w.astype(dtype)
    y[np.abs(y.astype(np.float32)) < np.float32(ml_dtypes.finfo(dtype).smallest_normal)] = 0
    return y


def by_way_of_float16(w, dtype):
    """Rounded to float16 before.

    Found as: inaccurate
    Seen in: softmax, log_softmax
    """
    with np.errstate(over="ignore"):
        return w.astype(np.float16).astype(dtype)


def a_binade_off(w, dtype):
    """The codes of a format whose exponents have another bias.

    Found as: inaccurate, out_of_range, overflow
    """
    y = w.astype(dtype)
    return (y.astype(np.float32) * 2).astype(dtype)


def losing_nan(w, dtype):
    """0 where nothing is defined, as integer conversions of NaN give.

    Found as: wrong_special
    Seen in: softmax, log_softmax
    """
    return np.nan_to_num(w, nan=0.0, posinf=np.inf, neginf=-np.inf).astype(dtype)


def of_another_top(w, dtype):
    """The largest binade taken for that of infinity and NaN, as IEEE 754 has it.

    Found as: inaccurate, overflow, nan
    Seen in: log_softmax
    """
    top = 2.0 ** np.floor(np.log2(float(ml_dtypes.finfo(dtype).max)))
    with np.errstate(invalid="ignore"):
        return np.where(np.abs(w) >= top, np.copysign(np.inf, w), w).astype(dtype)
